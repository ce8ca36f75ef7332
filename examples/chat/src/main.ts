import { type ChatMessage, pipeline, type Pipelines } from 'webgpu-transformer';

// ?model= names another: a repository of the Hub, hf:owner/name, or the address of a folder.
const model =
  new URLSearchParams(location.search).get('model') ?? 'hf:HuggingFaceTB/SmolLM2-135M-Instruct';

const log = document.querySelector('main')!;
const progress = document.querySelector('progress')!;
const problem = document.querySelector('[role=alert]')!;
const form = document.querySelector('form')!;
const question = document.querySelector('input')!;
const send = document.querySelector<HTMLButtonElement>('[name=send]')!;
const stop = document.querySelector<HTMLButtonElement>('[name=stop]')!;

/** The conversation. It grows at its end alone, so that each turn computes only what is new. */
const messages: ChatMessage[] = [];
let stopping = new AbortController();
stop.addEventListener('click', () => stopping.abort());

try {
  const chat = await pipeline('text-generation', model, {
    dtype: 'f16',
    onProgress({ overall }) {
      progress.max = overall.total;
      progress.value = overall.loaded;
    },
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void answer(chat);
  });
  send.disabled = false;
} catch (error) {
  tell(error);
} finally {
  progress.remove();
}

/** Asks what was typed, and writes the answer as it comes, until it ends or is stopped. */
async function answer(chat: Pipelines['text-generation']): Promise<void> {
  stopping = new AbortController();
  const { signal } = stopping;
  [send.disabled, stop.disabled] = [true, false];
  problem.textContent = '';
  const asked = { role: 'user', content: question.value };
  show(asked);
  form.reset();
  const shown = show({ role: 'assistant', content: '' });
  try {
    for await (const piece of chat.stream([...messages, asked], { signal })) shown.append(piece);
  } catch (error) {
    if (!signal.aborted) return tell(error);
  } finally {
    [send.disabled, stop.disabled] = [false, true];
    question.focus();
  }
  messages.push(asked, { role: 'assistant', content: shown.textContent });
}

/** Shows a message at the end of the conversation. */
function show({ role, content }: { role: string; content: string }): HTMLElement {
  const paragraph = document.createElement('p');
  paragraph.className = role;
  paragraph.textContent = content;
  log.append(paragraph);
  return paragraph;
}

/** What the library throws says what to do. */
function tell(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
}
