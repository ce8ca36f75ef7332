/** What the worker is asked: to translate a text, or to stop that. */
export type Question = { id: string } & ({ text: string; to: string } | { stop: true });
/** How far it has loaded the model, 0 to 1; or a piece of a translation, its end, or what went wrong. */
export type Answer = { progress: number } | { id: string; piece?: string; problem?: string };

export interface Options {
  to: string;
  /** Called with the translation as it grows. */
  onText: (text: string) => void;
  onProgress?: (progress: number) => void;
  signal?: AbortSignal;
}

let opened: Worker | undefined;

/** Translates in the worker, which begins with the first call. */
export function translate(text: string, options: Options): Promise<void> {
  opened ??= new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const worker = opened;
  const { to, onText, onProgress, signal } = options;
  const id = crypto.randomUUID();
  const ask = (question: Question) => worker.postMessage(question);
  return new Promise((resolve, reject) => {
    let soFar = '';
    worker.addEventListener('message', function listen({ data }: MessageEvent<Answer>) {
      if ('progress' in data) return onProgress?.(data.progress);
      if (data.id !== id) return;
      if (data.piece !== undefined) return onText((soFar += data.piece));
      worker.removeEventListener('message', listen);
      if (data.problem === undefined) resolve();
      else reject(new Error(data.problem));
    });
    signal?.addEventListener('abort', () => ask({ id, stop: true }));
    ask({ id, text, to });
  });
}
