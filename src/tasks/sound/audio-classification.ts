// Labels of sounds.

import type { AudioFeatures, FeatureExtractor } from '../../audio/feature-extractor.ts';
import { type AudioInput, readAudio } from '../../audio/read-audio.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { entryOf } from '../batches.ts';
import { labelOptionKinds, type LabelScore, labelScores } from '../label-scores.ts';
import { checkOptions, oneOrMany, type TaskModel, type TaskOutput } from '../task.ts';

/** How sounds are classified. */
export interface AudioClassificationOptions {
  /** The number of labels to give, the best first; null for all. Default 5. */
  topK?: number | null;
  /** From logits to scores; as the checkpoint's problem_type says when absent. */
  functionToApply?: 'softmax' | 'sigmoid' | 'none';
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** The labels of a sound, the best first; several sounds give a list of each. */
export interface AudioClassification {
  (audio: AudioInput, options?: AudioClassificationOptions): Promise<LabelScore[]>;
  (audios: readonly AudioInput[], options?: AudioClassificationOptions): Promise<LabelScore[][]>;
}

interface AudioTaskParts {
  readonly model: Pick<TaskModel, 'config'> & {
    readonly gpu: Gpu;
    forward(inputs: AudioFeatures, options?: { signal?: AbortSignal }): Promise<TaskOutput>;
  };
  readonly featureExtractor: Pick<FeatureExtractor, 'features' | 'samplingRate'>;
}

const task = 'audio-classification';

export function audioClassification(parts: AudioTaskParts): AudioClassification {
  const { model, featureExtractor } = parts;
  const { gpu } = model;
  const classify = async (
    input: AudioInput | readonly AudioInput[],
    options: AudioClassificationOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> => {
    checkOptions(task, options, { ...labelOptionKinds, signal: 'signal' });
    const { topK = 5, functionToApply = usualFunction(model), signal } = options;
    const until = signal ? { signal } : {};
    return oneOrMany(input, async (sounds) => {
      const results: LabelScore[][] = [];
      for (const sound of sounds) {
        const { samplingRate } = featureExtractor;
        const samples = await readAudio(sound, { samplingRate, gpu, ...until });
        const features = await featureExtractor.features(gpu, samples, until);
        const output = await model.forward(features, until);
        const { data } = entryOf(output, ['logits'], 0, task);
        results.push(labelScores(model, data, { topK, functionToApply }));
      }
      return results;
    });
  };
  return classify as AudioClassification;
}

/** Sounds have one label of all, also where there is no other. */
function usualFunction({ config }: Pick<TaskModel, 'config'>): 'softmax' | 'sigmoid' | 'none' {
  const { problem_type: problem } = config;
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' ? 'sigmoid' : 'softmax';
}
