'use client';

import { type FormEvent, useState } from 'react';
import { pipeline, type TranslationPipeline } from 'webgpu-transformer';

let loaded: Promise<TranslationPipeline> | undefined;

/** Loads the model once, with the first question: the server renders this component, too, and needs none. */
function load(onProgress: (progress: number) => void): Promise<TranslationPipeline> {
  loaded ??= pipeline('translation', '/models/phrases', {
    onProgress: ({ overall }) => onProgress(overall.loaded / overall.total),
  }).catch((error) => {
    loaded = undefined; // The next question tries again.
    throw error;
  });
  return loaded;
}

export function Translator() {
  const [text, setText] = useState('');
  const [progress, setProgress] = useState(1);
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);

  async function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const phrase = String(new FormData(event.currentTarget).get('phrase'));
    setBusy(true);
    setText('');
    setProblem('');
    try {
      const translate = await load(setProgress);
      for await (const piece of translate.stream(phrase, { to: 'de' })) {
        setText((soFar) => soFar + piece);
      }
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  }

  return (
    <form onSubmit={(event) => void ask(event)}>
      <input name="phrase" defaultValue="in 3 days" aria-label="English" required />
      <button disabled={isBusy}>Translate</button>
      {progress < 1 && <progress value={progress} aria-label="Loading the model" />}
      <output>{text}</output>
      {problem !== '' && <p role="alert">{problem}</p>}
    </form>
  );
}
