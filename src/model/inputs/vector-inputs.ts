// A stack that begins with vectors as they are.

import { TransformerError } from '../../runtime/errors.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { ModelInputs } from '../model.ts';
import type { CheckedInput, InputShape, InputStage, RecordedInput } from './input-stage.ts';
import { type DenseTensor, denseTensor, maskBatch, padRows } from './inputs.ts';

interface CheckedVectors extends CheckedInput {
  /** (B, T, d_model) */
  readonly vectors: DenseTensor;
}

export class VectorInput implements InputStage {
  readonly takes: readonly [
    'inputsEmbeds' | 'decoderInputsEmbeds',
    'attentionMask' | 'decoderAttentionMask',
  ];
  readonly dModel: number;

  constructor(side: 'source' | 'target', dModel: number) {
    this.takes =
      side === 'source'
        ? ['inputsEmbeds', 'attentionMask']
        : ['decoderInputsEmbeds', 'decoderAttentionMask'];
    this.dModel = dModel;
  }

  /** Absent masks are all ones. */
  check(inputs: ModelInputs): CheckedVectors {
    const [name, maskName] = this.takes;
    const vectors = denseTensor(name, inputs[name], 3);
    const [batch = 0, length = 0, size] = vectors.shape;
    if (size !== this.dModel) {
      throw new TransformerError(
        'INPUT_INVALID',
        `${name} has vectors of ${size}; this model's d_model is ${this.dModel}.`,
      );
    }
    const rows = Array.from({ length: batch }, () => Array<number>(length).fill(1));
    const mask = maskBatch(maskName, inputs[maskName], { batch, length, rows }, name);
    return { batch, length, mask, vectors };
  }

  record(recording: Recording, { batch, length }: InputShape): RecordedInput {
    const { dModel } = this;
    const [name, maskName] = this.takes;
    const vectors = recording.persistent(name, [batch, length, dModel]);
    const mask = recording.persistent(maskName, [batch, length], 'u32');
    return {
      vectors,
      mask,
      write(plan: Plan, checked: CheckedVectors): void {
        const block = new Float32Array(batch * length * dModel);
        const size = checked.length * dModel;
        for (let row = 0; row < batch; row += 1) {
          block.set(
            checked.vectors.data.subarray(row * size, (row + 1) * size),
            row * length * dModel,
          );
        }
        plan.write(vectors, block);
        plan.write(mask, padRows(checked.mask, length));
      },
    };
  }
}
