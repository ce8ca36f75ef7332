// The encoder of a session: what steps attend to besides what was decoded.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/attention-decode.ts';
import { tokensOf, writePositions } from '../inputs/token-inputs.ts';
import { remember } from '../layers/cross-attention.ts';
import type { Tokens as TokenTensors } from '../layers/embeddings.ts';
import { encode, type TransformerWeights } from '../layers/transformer.ts';
import type { Beginning } from './prompt.ts';
import type { SessionShape } from './session.ts';

/** The encoder of a session: its list, what that reads, and what the steps read of it. */
export interface Encoder {
  readonly plan: Plan;
  readonly source: TokenTensors;
  readonly memory: { readonly keyValues: readonly Tensor[]; readonly table: Tensor };
}

/** Records the encoder. Keys and values of the sources outlive its list: the steps read them. */
export async function encoderOf(
  scope: Scope,
  weights: TransformerWeights,
  { rows, sources, sourceLength }: SessionShape,
): Promise<Encoder> {
  const recording = new Recording(scope);
  const source = tokensOf(recording, 'source', sources, sourceLength);
  const { keyValues } = remember(encode(source, weights), source.mask, weights.decoder);
  const memory = {
    keyValues: keyValues.map((tensor) => recording.keep(tensor)),
    table: recording.persistent('memory table', [rows, sourceLength], 'u32'),
  };
  const plan = await Plan.create(recording, []);
  writePositions(plan, source);
  return { plan, source, memory };
}

export function encodeSources(
  { plan, source, memory }: Encoder,
  { sources, sourceOf }: Beginning,
): Promise<unknown> {
  const [batch, length] = [source.ids.size(0), source.ids.size(1)];
  if (sources.length !== batch) throw new RangeError(`${sources.length} sources for ${batch}`);
  const ids = new Uint32Array(batch * length);
  const mask = new Uint32Array(batch * length);
  sources.forEach((one, row) => {
    ids.set(one.ids, row * length);
    mask.set(one.mask, row * length);
  });
  const table = sourceOf.flatMap((row) =>
    Array.from({ length }, (_, place) =>
      mask[row * length + place] === 0 ? hiddenSlot : row * length + place,
    ),
  );
  plan.write(source.ids, ids);
  plan.write(source.mask, mask);
  plan.write(memory.table, Uint32Array.from(table));
  return plan.play();
}
