// The encoder of a session: what steps attend to besides what was decoded.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { hiddenSlot } from '../../shaders/attention/decode/attention-decode.ts';
import { padRows } from '../inputs/inputs.ts';
import type { CheckedInput, RecordedInput, SourceStage } from '../inputs/input-stage.ts';
import { remember } from '../layers/cross-attention.ts';
import { encodeVectors, type TransformerWeights } from '../layers/transformer.ts';
import type { Beginning } from './prompt.ts';
import type { SessionShape } from './session.ts';

/** The encoder of a session: its list, what that reads, and what the steps read of it. */
export interface Encoder {
  readonly plan: Plan;
  readonly stage: SourceStage;
  readonly source: RecordedInput;
  readonly memory: { readonly keyValues: readonly Tensor[]; readonly table: Tensor };
}

/** Records the encoder. Keys and values of the sources outlive its list: the steps read them. */
export async function encoderOf(
  scope: Scope,
  { stage, weights }: { stage: SourceStage; weights: TransformerWeights },
  { rows, sources, sourceLength, sourceSize }: SessionShape,
): Promise<Encoder> {
  const recording = new Recording(scope);
  const shape = { batch: sources, length: sourceLength, size: sourceSize };
  const source = stage.record(recording, shape);
  const { encoder, decoder, bridge } = weights;
  const { keyValues } = remember(encodeVectors(source, encoder), source.mask, decoder, bridge);
  const memory = {
    keyValues: keyValues.map((tensor) => recording.keep(tensor)),
    table: recording.persistent('memory table', [rows, sourceLength], 'u32'),
  };
  return { plan: await Plan.create(recording, []), stage, source, memory };
}

export function encodeSources(
  { plan, stage, source, memory }: Encoder,
  { sources, sourceOf }: Beginning,
): Promise<unknown> {
  const all: CheckedInput = stage.join(sources);
  const [batch, length] = [source.mask.size(0), source.mask.size(1)];
  if (all.batch !== batch) throw new RangeError(`${all.batch} sources for ${batch}`);
  const mask = padRows(all.mask, length);
  const table = sourceOf.flatMap((row) =>
    Array.from({ length }, (_, place) =>
      mask[row * length + place] === 0 ? hiddenSlot : row * length + place,
    ),
  );
  source.write(plan, all);
  plan.write(memory.table, Uint32Array.from(table));
  return plan.play();
}
