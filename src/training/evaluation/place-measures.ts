// Measures of models that tell places or the next token: answers in texts, and the loss where a task has no other.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import { className } from '../../model/heads/head-name.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import type { Model, ModelInputs } from '../../model/model.ts';
import { expectCount, labelsOf, type Measure, numbersIn } from './measure.ts';

/** From the first to the last token. */
type Span = readonly [first: number, last: number];

/** Exact match and F1 of the tokens of answers; where both ends are 0, that there is none. */
export function measureSpans(model: Model): Measure {
  let [answers, matches, overlap] = [0, 0, 0];
  return {
    async add({ startPositions, endPositions, ...inputs }) {
      const starts = placesOf('startPositions', startPositions);
      const ends = placesOf('endPositions', endPositions);
      const { startLogits, endLogits } = await model.forward(inputs);
      if (startLogits === undefined || endLogits === undefined) throw noPlaces();
      expectCount(starts, startLogits.shape[0] ?? 0);
      expectCount(ends, starts.length);
      for (const [row, first] of starts.entries()) {
        const right: Span = [first, ends[row] ?? first];
        const seen = inputs.attentionMask?.[row];
        const told = bestSpan(rowOf(startLogits, row), rowOf(endLogits, row), seen);
        answers += 1;
        matches += told[0] === right[0] && told[1] === right[1] ? 1 : 0;
        overlap += tokenF1(told, right);
      }
    },
    metrics: () => ({ exactMatch: matches / answers, f1: overlap / answers }),
  };
}

function noPlaces(): TransformerError {
  return new TransformerError(
    'INPUT_INVALID',
    'The model tells no places of answers. Pass one for question answering.',
  );
}

function placesOf(name: string, places: unknown): number[] {
  if (Array.isArray(places)) return numbersIn(places);
  throw new TransformerError(
    'INPUT_INVALID',
    `A batch has no ${name} to measure by. Pass startPositions and endPositions.`,
  );
}

function rowOf({ data, shape }: DenseTensor, row: number): Float32Array {
  const length = shape[1] ?? 0;
  return data.subarray(row * length, (row + 1) * length);
}

/** The span of the greatest sum of both ends, among tokens that count, the first before the last. */
function bestSpan(
  starts: Float32Array,
  ends: Float32Array,
  seen: readonly number[] | undefined,
): Span {
  let [best, span]: [number, Span] = [-Infinity, [0, 0]];
  let first = 0;
  for (const [last, end] of ends.entries()) {
    if (seen?.[last] === 0) continue;
    const isBetter = seen?.[first] === 0 || (starts[last] ?? -Infinity) > (starts[first] ?? NaN);
    if (isBetter) first = last;
    const sum = (starts[first] ?? NaN) + end;
    if (sum > best) [best, span] = [sum, [first, last]];
  }
  return span;
}

function tokenF1(told: Span, right: Span): number {
  const length = ([first, last]: Span): number => Math.max(0, last - first + 1);
  const common = length([Math.max(told[0], right[0]), Math.min(told[1], right[1])]);
  return (2 * common) / (length(told) + length(right));
}

/** The loss of what has no other measure, and perplexity where it is that of tokens. */
export function measureLoss(model: Model): Measure {
  const name = className(model.config) ?? '';
  const isCausal = /CausalLM|LMHeadModel|CausalImageModeling|ConditionalGeneration/.test(name);
  const isMasked = name.endsWith('ForMaskedLM');
  let [sum, count] = [0, 0];
  /** Labels that the mean is over: of a language model those behind the first; else a row counts as one. */
  const countOf = (inputs: ModelInputs): number => {
    if (!isCausal && !isMasked) return inputs.labels?.length ?? inputs.inputIds?.length ?? 1;
    const rows = labelsOf(inputs).map((row) => numbersIn([row]).slice(isCausal ? 1 : 0));
    return rows.flat().filter((label) => label !== ignoredLabel).length;
  };
  return {
    async add(inputs) {
      const labels = countOf(inputs);
      const { loss } = await model.forward(inputs);
      if (loss === undefined) {
        throw new TransformerError(
          'INPUT_INVALID',
          'The model gives no loss of a batch to measure by. Pass batches as for training.',
        );
      }
      if (labels === 0) return;
      sum += labels * (loss.data[0] ?? NaN);
      count += labels;
    },
    metrics() {
      const loss = sum / count;
      return isCausal || isMasked ? { loss, perplexity: Math.exp(loss) } : { loss };
    },
  };
}
