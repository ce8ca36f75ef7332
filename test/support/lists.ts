// The lists that a call records and plays, to count what is in them.

import { vi } from 'vitest';
import { bytesOf } from '../../src/runtime/dtype.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Dispatch, Recording } from '../../src/runtime/record.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';

export interface PlayedList {
  readonly recording: Recording;
  readonly plays: number;
}

/** Every list made ready while `work` runs, in order, with how often it was played. */
export async function playedLists(work: () => Promise<unknown>): Promise<PlayedList[]> {
  const made = vi.spyOn(Plan, 'create');
  const played = vi.spyOn(Plan.prototype, 'play');
  try {
    await work();
    return made.mock.calls.map(([recording]) => ({
      recording,
      plays: played.mock.contexts.filter(
        (plan) => plan instanceof Plan && plan.recording === recording,
      ).length,
    }));
  } finally {
    made.mockRestore();
    played.mockRestore();
  }
}

/** The list played most often: of generation, the step. */
export function stepOf(lists: readonly PlayedList[]): Dispatch[] {
  return lists.reduce((most, list) => (list.plays > most.plays ? list : most)).recording.dispatches;
}

/**
 * Bytes that a list reads when its sequences have `keys` tokens: what a dispatch binds to read, but
 * of tables of embeddings the rows of its tokens, and of caches the slots of the tokens there are.
 */
export function bytesRead(dispatches: readonly Dispatch[], keys: number): number {
  let bytes = 0;
  for (const { kernel, bindings, params } of dispatches) {
    const rowsRead: Readonly<Record<string, number | undefined>> =
      kernel.operation === 'embedding'
        ? { weight: params['tokens'], positions: params['tokens'] }
        : kernel.operation === 'attention-decode'
          ? {
              cache: params['batches']! * keys,
              table: (params['batches']! * keys) / params['capacity']!,
            }
          : {};
    for (const [name, access] of Object.entries(kernel.bindings)) {
      const tensor = bindings[name];
      const rows = rowsRead[name];
      if (tensor === undefined || (access === 'write' && rows === undefined)) continue;
      bytes += rows === undefined ? tensor.byteLength : rows * bytesOfRow(tensor);
    }
  }
  return bytes;
}

function bytesOfRow({ dtype, pitch }: Tensor): number {
  return bytesOf(dtype, pitch);
}
