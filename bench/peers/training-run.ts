// A training step (../training) as a case among the others: its result is the loss of the first steps.

import { type Problem, problem, sizes } from '../training/problem.ts';
import type { Library } from '../training/side.ts';
import type { Running } from './peer.ts';

/** Steps whose losses are compared, so that gradients and updates are, too. */
const checked = 3;

export async function trainingRun(library: Library): Promise<Running> {
  const side = await library.prepare(await trained());
  return {
    result: async () => {
      const losses: number[] = [];
      while (losses.length < checked) losses.push(await side.step());
      return losses;
    },
    run: async () => {
      await side.step();
    },
  };
}

function trained(): Promise<Problem> {
  const [size] = sizes;
  if (size === undefined) throw new RangeError('there is no size of training');
  return problem(size);
}
