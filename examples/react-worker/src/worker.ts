// The model, in a thread of its own.
import { pipeline } from 'webgpu-transformer';
import type { Answer, Question } from './translate';

const post = (message: Answer) => postMessage(message);
// Loaded once, before the first question.
const translate = pipeline('translation', new URL('/models/phrases/', location.origin), {
  onProgress: ({ overall }) => post({ progress: overall.loaded / overall.total }),
});
const running = new Map<string, AbortController>();

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  if ('stop' in data) running.get(data.id)?.abort();
  else void answer(data);
});

async function answer({ id, text, to }: Extract<Question, { text: string }>) {
  const stopping = new AbortController();
  running.set(id, stopping);
  try {
    const { signal } = stopping;
    for await (const piece of (await translate).stream(text, { to, signal })) post({ id, piece });
    post({ id });
  } catch (error) {
    post({ id, problem: error instanceof Error ? error.message : String(error) });
  }
  running.delete(id);
}
