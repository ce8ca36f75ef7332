// The encoder of a session: what steps attend to besides what was decoded.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import { hiddenSlot } from '../../shaders/attention/decode/attention-decode.ts';
import { padRows } from '../inputs/inputs.ts';
import type { CheckedInput, InputShape, SourceStage } from '../inputs/input-stage.ts';
import { type Memory, recall, remember } from '../layers/cross-attention.ts';
import type { StackCross } from '../layers/stack.ts';
import { encodeVectors, type TransformerWeights } from '../layers/transformer.ts';
import type { Steering } from '../points/steering.ts';
import type { Beginning } from './prompt.ts';
import type { SessionShape } from './session.ts';

/** The encoder of a session; only those of encoder–decoders bring its code. */
export interface Encoder {
  /** Encodes sources. */
  readonly encode: (beginning: Beginning) => Promise<unknown>;
  /** The attention of a list's layers to what was encoded last. */
  readonly cross: (recording: Recording) => StackCross;
}

interface Encoding {
  readonly stage: SourceStage;
  readonly weights: TransformerWeights;
  /** What is changed at named points. */
  readonly steering: Steering | undefined;
}

/** Records the encoder. Keys and values of the sources outlive its list: the steps read them. */
export async function encoderOf(
  scope: Scope,
  { stage, weights, steering }: Encoding,
  { rows, sources, sourceLength, sourceSize }: SessionShape,
): Promise<Encoder> {
  const recording = new Recording(scope);
  const shape = { batch: sources, length: sourceLength, size: sourceSize };
  const source = stage.record(recording, shape);
  const { encoder, decoder, bridge } = weights;
  const append = (): Memory =>
    remember(encodeVectors(source, encoder), source.mask, decoder, bridge);
  const memory = steering?.record(recording, undefined, append) ?? append();
  const keyValues = memory.keyValues.map((tensor) => recording.keep(tensor));
  const table = recording.persistent('memory table', [rows, sourceLength], 'u32');
  const plan = await Plan.create(recording, []);
  return {
    encode(beginning) {
      const all = stage.join(beginning.sources);
      source.write(plan, all);
      plan.write(table, seenBy(beginning, all, shape));
      return plan.play();
    },
    cross: (list) =>
      recall({ keyValues: keyValues.map((tensor) => list.use(tensor)), table: list.use(table) }),
  };
}

/** What each sequence sees of its source: (R, S), see `BlockTable`. */
function seenBy(
  { sourceOf }: Beginning,
  { batch, mask: own }: CheckedInput,
  { batch: wanted, length }: InputShape,
): Uint32Array<ArrayBuffer> {
  if (batch !== wanted) throw new RangeError(`${batch} sources for ${wanted}`);
  const mask = padRows(own, length);
  const table = sourceOf.flatMap((row) =>
    Array.from({ length }, (_, place) =>
      mask[row * length + place] === 0 ? hiddenSlot : row * length + place,
    ),
  );
  return Uint32Array.from(table);
}
