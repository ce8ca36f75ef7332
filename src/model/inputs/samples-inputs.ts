// An encoder with rotary positions that begins with the samples of sound, of any length.

import { TransformerError } from '../../runtime/errors.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { embedSamples, type SamplesEmbeddings } from '../layers/samples-embeddings.ts';
import type { StretchedRotary } from '../layers/stretched-rotary.ts';
import type { ModelInputs } from '../model.ts';
import { below, repeated } from './dense-rows.ts';
import type { CheckedInput, InputShape, RecordedInput, SourceStage } from './input-stage.ts';
import { type DenseTensor, padRows, type TokenBatch } from './inputs.ts';
import { samplesMask, shortSound, soundSamples, tooShort, vectorCount } from './samples.ts';

interface CheckedSamples extends CheckedInput {
  /** (B, samples) */
  readonly samples: DenseTensor;
  /** Which samples are a sound's own; all when absent. */
  readonly own: TokenBatch | undefined;
}

export class SamplesInput implements SourceStage {
  readonly takes = ['inputValues', 'attentionMask'] as const;
  readonly sound: SamplesEmbeddings;
  /** Frequencies that depend on the length of the sound. */
  readonly rotary: readonly StretchedRotary[];

  constructor(sound: SamplesEmbeddings, rotary: readonly StretchedRotary[]) {
    this.sound = sound;
    this.rotary = rotary;
  }

  check({ inputValues, attentionMask }: ModelInputs): CheckedSamples {
    const samples = soundSamples(inputValues);
    return this.#checked(samples, samplesMask(attentionMask, samples));
  }

  join(batches: readonly CheckedSamples[]): CheckedSamples {
    const rows = batches.flatMap(({ own, samples: { shape } }) => {
      const [batch = 0, length = 0] = shape;
      return own?.rows ?? Array.from({ length: batch }, () => Array<number>(length).fill(1));
    });
    const own = { batch: rows.length, length: rows[0]?.length ?? 0, rows };
    return this.#checked(below(batches.map(({ samples }) => samples)), own);
  }

  inputsOf({ samples, own }: CheckedSamples, copies: number): ModelInputs {
    const inputValues = repeated(samples, copies);
    if (own === undefined) return { inputValues };
    return {
      inputValues,
      attentionMask: own.rows.flatMap((row) => Array<readonly number[]>(copies).fill(row)),
    };
  }

  usual(): InputShape {
    return shortSound(this.sound.convolutions);
  }

  record(recording: Recording, { batch, length, size }: InputShape): RecordedInput {
    const { sound, rotary } = this;
    const [, count = 0] = size ?? [];
    const samples = recording.persistent('inputValues', [batch, 1, count]);
    const mask = recording.persistent('attentionMask', [batch, length], 'u32');
    const place = recording.persistent('places of vectors', [batch, length, 2], 'u32');
    return {
      vectors: embedSamples(samples, sound),
      mask,
      place,
      write(plan: Plan, checked: CheckedSamples): void {
        plan.write(samples, new Float32Array(checked.samples.data));
        plan.write(mask, padRows(checked.mask, length));
        const places = { length: 2 * batch * length };
        plan.write(
          place,
          Uint32Array.from(places, (_, i) => (i >> 1) % length),
        );
        for (const { stretch } of rotary) stretch(recording.gpu, length);
      },
    };
  }

  /** A vector counts where the first sample is the sound's own that it begins with. */
  #checked(samples: DenseTensor, own: TokenBatch | undefined): CheckedSamples {
    const { convolutions } = this.sound;
    const [batch = 0, count = 0] = samples.shape;
    const length = vectorCount(count, convolutions);
    if (length < 1) throw tooShort(0, convolutions);
    const step = convolutions.reduce((product, { stride }) => product * stride, 1);
    const rows = Array.from({ length: batch }, (_, row) =>
      Array.from({ length }, (__, t) => own?.rows[row]?.[t * step] ?? 1),
    );
    const silent = rows.findIndex((row) => !row.includes(1));
    if (silent >= 0) {
      throw new TransformerError(
        'INPUT_INVALID',
        `Sound ${silent} is nothing but padding, as attentionMask has it. Leave it out.`,
      );
    }
    return { batch, length, size: [1, count], mask: { batch, length, rows }, samples, own };
  }
}
