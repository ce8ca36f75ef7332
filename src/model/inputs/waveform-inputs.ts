// An encoder that begins with the samples of sound, of any length.

import { TransformerError } from '../../runtime/errors.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { windowCount } from '../../shaders/audio/windows.ts';
import { embedWaveform, type WaveformEmbeddings } from '../layers/waveform-embeddings.ts';
import type { ModelInputs } from '../model.ts';
import type { CheckedInput, InputShape, InputStage, RecordedInput } from './input-stage.ts';
import { type DenseTensor, denseTensor, padRows, tokenBatch } from './inputs.ts';

interface CheckedWaveform extends CheckedInput {
  /** (B, samples) */
  readonly samples: DenseTensor;
}

export class WaveformInput implements InputStage {
  readonly takes = ['inputValues', 'attentionMask'] as const;
  readonly sound: WaveformEmbeddings;

  constructor(sound: WaveformEmbeddings) {
    this.sound = sound;
  }

  check({ inputValues, attentionMask }: ModelInputs): CheckedWaveform {
    const samples = denseTensor('inputValues', inputValues, 2);
    const [batch = 0, count = 0] = samples.shape;
    const wrong = samples.data.findIndex((sample) => !Number.isFinite(sample));
    if (wrong >= 0) {
      throw invalid(`inputValues[${wrong}] is no finite number. Look at the samples of the sound.`);
    }
    const heard = lengthsOf(attentionMask, batch, count).map((length) => this.#frames(length));
    const short = heard.findIndex((frames) => frames < 1);
    if (short >= 0) {
      throw invalid(
        `Sound ${short} is too short: this model takes at least ${this.#least()} samples. Fill it up with silence.`,
      );
    }
    const length = this.#frames(count);
    const rows = heard.map((frames) => Array.from({ length }, (_, t) => Number(t < frames)));
    return { batch, length, size: [1, count], mask: { batch, length, rows }, samples };
  }

  record(recording: Recording, { batch, length, size }: InputShape): RecordedInput {
    const [, count = 0] = size ?? [];
    const samples = recording.persistent('inputValues', [batch, 1, count]);
    const mask = recording.persistent('attentionMask', [batch, length], 'u32');
    return {
      vectors: embedWaveform(samples, mask, this.sound),
      mask,
      write(plan: Plan, checked: CheckedWaveform): void {
        plan.write(samples, new Float32Array(checked.samples.data));
        plan.write(mask, padRows(checked.mask, length));
      },
    };
  }

  /** Vectors of so many samples; less than 1 where they are too few. */
  #frames(samples: number): number {
    return this.sound.layers.reduce(
      (length, { convolution }) => windowCount(length, convolution),
      samples,
    );
  }

  /** Samples that one vector is made of. */
  #least(): number {
    return this.sound.layers.reduceRight(
      (least, { convolution: { size, stride } }) => (least - 1) * stride + size,
      1,
    );
  }
}

/** The samples of each sound that are its own. @throws TransformerError INPUT_INVALID */
function lengthsOf(given: unknown, batch: number, count: number): number[] {
  if (given === undefined) return Array<number>(batch).fill(count);
  const mask = tokenBatch('attentionMask', given, 0, 2);
  if (mask.batch !== batch || mask.length !== count) {
    throw invalid(
      `attentionMask is ${mask.batch} × ${mask.length}, but inputValues is ${batch} × ${count}. ` +
        'They must have the same shape.',
    );
  }
  return mask.rows.map((row) => row.reduce((sum, own) => sum + own, 0));
}

function invalid(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}
