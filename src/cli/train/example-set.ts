// What a model learns of, or is measured by: examples, some of which at a time become a batch.

import type { ModelInputs } from '../../model/model.ts';
import { Random } from '../../model/random.ts';
import type { Recipe } from '../../phrases/recipe.ts';
import { shuffle, shuffled } from '../../training/data/order.ts';
import type { Objective } from '../../training/objective.ts';
import type { Learner, TrainingData } from './data.ts';

/** Of all examples, one in twenty is held out, and no more than this. */
const heldOutAtMost = 64;

export interface ExampleSet {
  readonly count: number;
  /** The examples of these numbers as a batch. */
  readonly batchOf: (numbers: readonly number[]) => ModelInputs | Promise<ModelInputs>;
  /** What they are, and of what. */
  readonly name: string;
  /** Examples side by side of those that are held out; one when absent. */
  readonly heldOutSize?: number;
  /** What is learned of them where that is not to say the same. */
  readonly objective?: Objective;
}

/** Examples of `file`, and what makes a batch of some. `unit`: what an example is; a row when absent. */
export function exampleSet<Example>(
  file: string,
  examples: readonly Example[],
  batchOf: (examples: readonly Example[]) => ModelInputs | Promise<ModelInputs>,
  {
    unit = 'rows',
    ...more
  }: Pick<ExampleSet, 'heldOutSize' | 'objective'> & { readonly unit?: string } = {},
): ExampleSet {
  return {
    count: examples.length,
    batchOf: (numbers) => batchOf(numbers.map((number) => examples[number] as Example)),
    name: `${unit} of ${file}`,
    ...more,
  };
}

/** A learner of examples, which are known once there is its model. */
export function exampleLearner(
  learner: Omit<Learner, 'data' | 'examples'>,
  recipe: Pick<Recipe, 'seed' | 'batchSize'>,
  examples: NonNullable<Learner['examples']>,
): Learner {
  return {
    ...learner,
    examples,
    data: async (model) => inOrder(await examples(model), recipe),
  };
}

/** Batches of examples in an order that the seed draws, and those that are held out. */
async function inOrder(
  { count, batchOf, name, heldOutSize = 1, objective }: ExampleSet,
  { seed, batchSize }: Pick<Recipe, 'seed' | 'batchSize'>,
): Promise<TrainingData> {
  const most = Math.min(heldOutAtMost, Math.floor(count / 20));
  const held = most - (most % heldOutSize);
  const order = shuffle(
    Array.from({ length: count }, (_, i) => i),
    new Random(seed),
  );
  const training = shuffled(order.slice(held), seed);
  const heldOutBatches: ModelInputs[] = [];
  for (let end = heldOutSize; end <= held; end += heldOutSize) {
    heldOutBatches.push(await batchOf(order.slice(end - heldOutSize, end)));
  }
  const inWords = (number: number): string => number.toLocaleString('en-US');
  return {
    batches: (index) => {
      const numbers = Array.from({ length: batchSize }, (_, i) => batchSize * index + i);
      return batchOf(numbers.map(training));
    },
    heldOut: [],
    heldOutBatches,
    ...(objective && { objective }),
    summary: `${inWords(count - held)} ${name}, ${inWords(held)} held out`,
  };
}

/** All examples in their order, `size` in a batch. `onBatch` is told how many there were. */
export async function* inBatches(
  { count, batchOf }: ExampleSet,
  size: number,
  onBatch?: (done: number) => void,
): AsyncGenerator<ModelInputs> {
  for (let first = 0; first < count; first += size) {
    const length = Math.min(size, count - first);
    yield batchOf(Array.from({ length }, (_, i) => first + i));
    onBatch?.(first + length);
  }
}
