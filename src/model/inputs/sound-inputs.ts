// An encoder that begins with the features of sound, a window of fixed length.

import { TransformerError } from '../../runtime/errors.ts';
import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import { embedSound, type SoundEmbeddings } from '../layers/sound-embeddings.ts';
import type { ModelInputs } from '../model.ts';
import type { CheckedInput, InputShape, RecordedInput, SourceStage } from './input-stage.ts';
import { below, repeated } from './dense-rows.ts';
import { type DenseTensor, denseTensor, padRows } from './inputs.ts';

interface CheckedSound extends CheckedInput {
  /** (B, bins, frames) */
  readonly features: DenseTensor;
}

export class SoundInput implements SourceStage {
  readonly takes = ['inputFeatures'] as const;
  readonly sound: SoundEmbeddings;

  constructor(sound: SoundEmbeddings) {
    this.sound = sound;
  }

  check({ inputFeatures }: ModelInputs): CheckedSound {
    const { bins, frames } = this.sound;
    const features = soundFeatures(inputFeatures, bins);
    const [, , own = 0] = features.shape;
    if (own !== frames) {
      throw invalid(
        `inputFeatures has ${own} frames; this model takes ${frames}. Pad the sound, or cut it.`,
      );
    }
    return this.#checked(features);
  }

  join(batches: readonly CheckedSound[]): CheckedSound {
    return this.#checked(below(batches.map(({ features }) => features)));
  }

  inputsOf({ features }: CheckedSound, copies: number): ModelInputs {
    return { inputFeatures: repeated(features, copies) };
  }

  usual(): InputShape {
    const { bins, frames, positions } = this.sound;
    return { batch: 1, length: positions.size(0), size: [bins, frames] };
  }

  record(recording: Recording, { batch, length }: InputShape): RecordedInput {
    const { bins, frames } = this.sound;
    const features = recording.persistent('inputFeatures', [batch, bins, frames]);
    const steps = recording.persistent('steps', [batch, length], 'u32');
    const mask = recording.persistent('steps heard', [batch, length], 'u32');
    return {
      vectors: embedSound(features, steps, this.sound),
      mask,
      write(plan: Plan, checked: CheckedSound): void {
        plan.write(features, new Float32Array(checked.features.data));
        plan.write(mask, padRows(checked.mask, length));
        plan.write(
          steps,
          Uint32Array.from({ length: batch * length }, (_, i) => i % length),
        );
      },
    };
  }

  #checked(features: DenseTensor): CheckedSound {
    const [batch = 0, bins = 0, frames = 0] = features.shape;
    const length = this.sound.positions.size(0);
    const rows = Array.from({ length: batch }, () => Array<number>(length).fill(1));
    return { batch, length, size: [bins, frames], mask: { batch, length, rows }, features };
  }
}

/** Features of any number of frames, checked. @throws TransformerError INPUT_INVALID */
export function soundFeatures(value: unknown, bins: number): DenseTensor {
  const features = denseTensor('inputFeatures', value, 3);
  const [, own = 0] = features.shape;
  if (own !== bins) {
    throw invalid(
      `inputFeatures has ${own} bins a frame; this model takes ${bins}. Use the feature extractor of its folder.`,
    );
  }
  const wrong = features.data.findIndex((number) => !Number.isFinite(number));
  if (wrong < 0) return features;
  throw invalid(
    `inputFeatures has no finite number at ${wrong}. Look at the samples of the sound.`,
  );
}

function invalid(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}
