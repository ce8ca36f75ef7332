// The worker that runs the model, so that the page stays free: one scene at a time, always the newest.

import { TransformerError } from 'webgpu-transformer';
import { Laboratory } from './laboratory.ts';
import type { Order, Report } from './protocol.ts';
import { Refused } from './refused.ts';

let laboratory: Promise<Laboratory> | undefined;
let opening = new AbortController();
let showing = new AbortController();
/** Ends when nothing is under way. */
let idle: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  showing.abort();
  if (data.type === 'open') {
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    idle = idle.then(() => open(data, signal));
    return;
  }
  showing = new AbortController();
  const { signal } = showing;
  idle = idle.then(() => show(data, signal));
});

async function open(
  { source }: Order & { readonly type: 'open' },
  signal: AbortSignal,
): Promise<void> {
  const before = laboratory;
  laboratory = undefined;
  (await before?.catch(() => undefined))?.dispose();
  laboratory = Laboratory.open(source, signal, (loaded, total) => {
    tell({ type: 'loading', loaded, total });
  });
  try {
    tell({ type: 'opened', facts: (await laboratory).facts });
  } catch (error) {
    laboratory = undefined;
    if (!signal.aborted) fail(error, undefined);
  }
}

async function show(
  { id, scene }: Order & { readonly type: 'show' },
  signal: AbortSignal,
): Promise<void> {
  // Nothing was opened, which was told.
  if (laboratory === undefined || signal.aborted) return;
  try {
    await (await laboratory).show(scene, signal, (part) => tell({ type: 'shown', id, ...part }));
    tell({ type: 'done', id });
  } catch (error) {
    if (!signal.aborted) fail(error, id);
  }
}

function fail(error: unknown, id: number | undefined): void {
  if (error instanceof Refused) {
    tell({ type: 'refused', id, refusal: error.refusal, ...error.facts });
    return;
  }
  const code = error instanceof TransformerError ? error.code : '';
  const message = error instanceof Error ? error.message : String(error);
  tell({ type: 'failed', id, code, message });
}

function tell(report: Report): void {
  postMessage(report);
}
