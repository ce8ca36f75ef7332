// The worker that trains, so that the page stays free: obeys commands, reports what happens.

import { TransformerError } from 'webgpu-transformer';
import type { Command, Report } from './protocol.ts';
import { Run } from './run.ts';

const opening = new AbortController();
let opened: Promise<Run> | undefined;

function tell(report: Report, transfer: ArrayBuffer[] = []): void {
  postMessage(report, { transfer });
}

async function obey(command: Command): Promise<void> {
  if (command.type === 'start') {
    opened = Run.open(command.settings, opening.signal, tell);
    await (await opened).resume();
    return;
  }
  if (command.type === 'stop') {
    opening.abort();
    const run = await opened?.catch(() => undefined);
    tell({ type: 'stopped', gpuBytes: (await run?.close()) ?? 0 });
    return;
  }
  const run = await opened;
  if (command.type === 'pause') run?.pause();
  else await run?.[command.type]();
}

function fail(error: unknown): void {
  const code = error instanceof TransformerError ? error.code : '';
  // Stopped while it opened: `stop` answers.
  if (code === 'ABORTED') return;
  tell({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
}

addEventListener('message', ({ data }: MessageEvent<Command>) => {
  obey(data).catch(fail);
});
