// An encoder that begins with the samples of sound, of any length.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Convolution } from '../layers/convolution.ts';
import { embedWaveform, type WaveformEmbeddings } from '../layers/waveform-embeddings.ts';
import type { ModelInputs } from '../model.ts';
import type { CheckedInput, InputShape, InputStage, RecordedInput } from './input-stage.ts';
import { type DenseTensor, padRows } from './inputs.ts';
import { samplesMask, shortSound, soundSamples, tooShort, vectorCount } from './samples.ts';

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
    const samples = soundSamples(inputValues);
    const [batch = 0, count = 0] = samples.shape;
    const mask = samplesMask(attentionMask, samples);
    const lengths =
      mask?.rows.map((row) => row.reduce((sum, own) => sum + own, 0)) ??
      Array<number>(batch).fill(count);
    const convolutions = this.#convolutions();
    const heard = lengths.map((length) => vectorCount(length, convolutions));
    const short = heard.findIndex((vectors) => vectors < 1);
    if (short >= 0) throw tooShort(short, convolutions);
    const length = vectorCount(count, convolutions);
    const rows = heard.map((vectors) => Array.from({ length }, (_, t) => Number(t < vectors)));
    return { batch, length, size: [1, count], mask: { batch, length, rows }, samples };
  }

  usual(): InputShape {
    return shortSound(this.#convolutions());
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

  #convolutions(): Convolution[] {
    return this.sound.layers.map(({ convolution }) => convolution);
  }
}
