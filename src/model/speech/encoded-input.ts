// A decoder's source that an encoder has been over before.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { below, repeated } from '../inputs/dense-rows.ts';
import type {
  CheckedInput,
  InputShape,
  RecordedInput,
  SourceStage,
} from '../inputs/input-stage.ts';
import { type DenseTensor, denseTensor, padRows } from '../inputs/inputs.ts';
import type { ModelInputs } from '../model.ts';

interface CheckedStates extends CheckedInput {
  /** (B, S, d_model) */
  readonly states: DenseTensor;
}

/** What the encoder gave counts as a whole, none of it being padding. */
export class EncodedInput implements SourceStage {
  readonly takes = ['inputsEmbeds'] as const;

  check({ inputsEmbeds }: ModelInputs): CheckedStates {
    return checkedStates(denseTensor('inputsEmbeds', inputsEmbeds, 3));
  }

  join(batches: readonly CheckedStates[]): CheckedStates {
    return checkedStates(below(batches.map(({ states }) => states)));
  }

  inputsOf({ states }: CheckedStates, copies: number): ModelInputs {
    return { inputsEmbeds: repeated(states, copies) };
  }

  record(recording: Recording, { batch, length, size }: InputShape): RecordedInput {
    const [, width = 0] = size ?? [];
    const vectors = recording.persistent('encoded', [batch, length, width]);
    const mask = recording.persistent('encoded steps', [batch, length], 'u32');
    return {
      vectors,
      mask,
      write(plan: Plan, checked: CheckedStates): void {
        plan.write(vectors, new Float32Array(checked.states.data));
        plan.write(mask, padRows(checked.mask, length));
      },
    };
  }
}

function checkedStates(states: DenseTensor): CheckedStates {
  const [batch = 0, length = 0, width = 0] = states.shape;
  const rows = Array.from({ length: batch }, () => Array<number>(length).fill(1));
  return { batch, length, size: [length, width], mask: { batch, length, rows }, states };
}
