import { type FormEvent, useEffect, useRef, useState } from 'react';
import { translate } from './translate';

export function Translator() {
  const [text, setText] = useState('');
  const [progress, setProgress] = useState(1);
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const stopping = useRef(new AbortController());

  // What nobody will see is not computed.
  useEffect(() => () => stopping.current.abort(), []);

  async function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const phrase = String(new FormData(event.currentTarget).get('phrase'));
    stopping.current = new AbortController();
    const { signal } = stopping.current;
    setBusy(true);
    setText('');
    setProblem('');
    try {
      await translate(phrase, { to: 'de', onText: setText, onProgress: setProgress, signal });
    } catch (error) {
      if (!signal.aborted) setProblem((error as Error).message);
    }
    setBusy(false);
  }

  return (
    <form onSubmit={(event) => void ask(event)}>
      <input name="phrase" defaultValue="in 3 days" aria-label="English" required />
      <button disabled={isBusy}>Translate</button>
      <button type="button" disabled={!isBusy} onClick={() => stopping.current.abort()}>
        Stop
      </button>
      {progress < 1 && <progress value={progress} aria-label="Loading the model" />}
      <output>{text}</output>
      {problem !== '' && <p role="alert">{problem}</p>}
    </form>
  );
}
