// How far the allocation of ranks is, in the state of a run.

import { allOf } from '../../runtime/read-back.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { layOut, readParameters, writeSegments } from '../../model/weights/read-parameters.ts';
import type { Trainer } from '../trainer.ts';

const kinds = ['sensitivity', 'uncertainty'] as const;

/** The importance of all parameters and the ranks that are left, as they stand when called; nothing where none are shared. */
export async function allocationTensors({
  gpu,
  state,
  options: { allocation },
}: Trainer): Promise<Map<string, StoredValues>> {
  const { parameters, importance } = state;
  if (importance === undefined) return new Map();
  const kept = [...(allocation?.kept ?? [])];
  const read = await allOf(kinds.map((kind) => readParameters(gpu, parameters, importance[kind])));
  return new Map([
    ...kinds.flatMap((kind, i) =>
      [...(read[i] ?? [])].map(([name, value]) => [`${kind}.${name}`, value] as const),
    ),
    ...kept.map(([name, ranks]) => {
      const data = Float32Array.from(ranks, Number);
      return [`ranks.${name}`, { shape: [ranks.length], data }] as const;
    }),
  ]);
}

/**
 * Reads them again; what it returns takes them up.
 * @throws TransformerError TENSOR_MISSING, TENSOR_MISMATCH
 */
export function resumeAllocation(
  { gpu, state, options: { allocation } }: Trainer,
  group: (prefix: string) => Map<string, StoredValues>,
): (() => void) | undefined {
  const { parameters, importance } = state;
  if (importance === undefined) return undefined;
  const blocks = kinds.map((kind) => [kind, layOut(parameters, group(kind))] as const);
  const kept = [...group('ranks')].map(
    ([name, { data }]) => [name, Array.from(data, (value) => value !== 0)] as const,
  );
  return () => {
    for (const [kind, own] of blocks) writeSegments(gpu, importance[kind], own);
    allocation?.resume(kept.length === 0 ? undefined : new Map(kept));
  };
}
