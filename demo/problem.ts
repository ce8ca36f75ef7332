// How the pages say what went wrong.

import { TransformerError } from 'webgpu-transformer';
import { byId, create } from './elements.ts';

/** The code of an error of the library; '' for others. */
export function codeOf(error: unknown): string {
  return error instanceof TransformerError ? error.code : '';
}

/** Shows an error. `again`: what opens the GPU anew once it is lost. */
export function showProblem(error: unknown, again: string): void {
  const titles: Readonly<Record<string, string>> = {
    ADAPTER_NOT_FOUND: 'WebGPU is missing',
    DEVICE_LOST: 'The GPU is gone',
  };
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const problem = byId('problem', HTMLElement);
  problem.replaceChildren(
    create('strong', {}, titles[code] ?? 'This did not work'),
    create('p', {}, code === 'DEVICE_LOST' ? again : message),
  );
  problem.hidden = false;
}
