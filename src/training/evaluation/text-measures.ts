// Measures of models that write texts, or write down what they hear.

import { TransformerError } from '../../runtime/errors.ts';
import { chrF } from '../../metrics/chrf.ts';
import { exactMatch } from '../../metrics/exact-match.ts';
import { wordErrorRate } from '../../metrics/word-errors.ts';
import type { Model } from '../../model/model.ts';
import {
  expectCount,
  greatest,
  labelsOf,
  logitsOf,
  type Measure,
  numbersIn,
  type TaskMetrics,
} from './measure.ts';
import type { TaskMetricsOptions } from './task-metrics.ts';

/** Exact match and chrF of what a model writes greedily; of what it hears, the word error rate. */
export function measureGenerated(model: Model, options: TaskMetricsOptions): Measure {
  const texts = new Texts(options);
  let hears = false;
  return {
    async add(inputs) {
      const { labels: _, decoderInputIds: __, decoderAttentionMask: ___, ...source } = inputs;
      const right = labelsOf(inputs).map((row) => numbersIn([row]).filter((id) => id >= 0));
      const longest = Math.max(1, ...right.map(({ length }) => length));
      const { maxNewTokens = Math.ceil(1.5 * longest), signal } = options;
      const { sequences } = await model.generate(source, {
        maxNewTokens,
        numBeams: 1,
        doSample: false,
        ...(signal && { signal }),
      });
      texts.add(sequences, right);
      hears ||= source.inputFeatures !== undefined || source.inputValues !== undefined;
    },
    metrics: () => (hears ? texts.heard() : texts.written()),
  };
}

/** The word error rate of the likeliest label of each step ("Connectionist temporal classification", Graves et al. 2006). */
export function measureHeard(model: Model, options: TaskMetricsOptions): Measure {
  const texts = new Texts(options);
  const blank = Number(model.config['pad_token_id'] ?? 0);
  return {
    async add(inputs) {
      const right = labelsOf(inputs).map((row) => numbersIn([row]).filter((id) => id >= 0));
      const { data, shape } = await logitsOf(model, inputs);
      const [batch = 0, steps = 0, columns = 1] = shape;
      expectCount(right, batch);
      const rowAt = (step: number): Float32Array =>
        data.subarray(step * columns, (step + 1) * columns);
      const told = right.map((_, row) => {
        const labels = Array.from({ length: steps }, (__, step) =>
          greatest(rowAt(row * steps + step)),
        );
        return labels.filter((label, step) => label !== blank && label !== labels[step - 1]);
      });
      texts.add(told, right);
    },
    metrics: () => texts.heard(),
  };
}

/** Texts told and right. */
class Texts {
  readonly #tokenizer: NonNullable<TaskMetricsOptions['tokenizer']>;
  readonly #told: string[] = [];
  readonly #right: string[] = [];

  /** @throws TransformerError OPTION_INVALID without a tokenizer */
  constructor({ tokenizer }: TaskMetricsOptions) {
    if (tokenizer === undefined) {
      throw new TransformerError(
        'OPTION_INVALID',
        'The model writes token ids, and texts are compared. Pass { tokenizer } of loadTokenizer.',
      );
    }
    this.#tokenizer = tokenizer;
  }

  add(told: readonly (readonly number[])[], right: readonly (readonly number[])[]): void {
    expectCount(right, told.length);
    this.#told.push(...told.map((ids) => this.#tokenizer.decode(ids)));
    this.#right.push(...right.map((ids) => this.#tokenizer.decode(ids)));
  }

  written(): TaskMetrics {
    const { score } = exactMatch(this.#told, this.#right);
    return { exactMatch: score, chrF: chrF(this.#told, this.#right).score };
  }

  heard(): TaskMetrics {
    return { wordErrorRate: wordErrorRate(this.#told, this.#right).score };
  }
}
