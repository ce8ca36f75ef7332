// The checks of attention that compares with relative positions.

import { positionScores } from '../shaders/attention/positions/attention-positions.ts';
import { attention } from '../shaders/attention/attention.ts';
import type { Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { attend, dot } from './math.ts';
import type { NamedCheck } from './run-check.ts';

/** Both terms, over distances up to 5 and beyond; rows stand in reverse order. */
function checkPositions(inputs: Inputs, size: number, weights: boolean): Result {
  const [batches, heads, tokens, reach] = [2, 3, 37, 5];
  const [width, rows] = [heads * size, 2 * reach + 1];
  const shape = [batches, tokens, width];
  const [q, k, v] = [inputs.floats(shape), inputs.floats(shape), inputs.floats(shape)];
  const table = inputs.floats([rows, 2 * width]);
  const order = Uint32Array.from({ length: rows }, (_, distance) => rows - 1 - distance);
  const result = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: k.tensor, start: 0 },
    v: { tensor: v.tensor, start: 0 },
    keyMask: inputs.tensor([batches, tokens], new Uint32Array(batches * tokens).fill(1)),
    heads,
    headSize: size,
    causal: false,
    positions: positionScores(table.tensor, inputs.tensor([rows], order), {
      c2p: true,
      p2c: true,
      width,
    }),
  });
  const wanted = attend(q.data, k.data, v.data, {
    batches,
    heads,
    queries: tokens,
    keys: tokens,
    size,
    sees: () => true,
    more: (at, keyAt, query, key) => {
      const row = reach - Math.max(-reach, Math.min(reach, key - query));
      const asQuery = 2 * row * width + (at % width);
      return (
        dot(k.data, keyAt, table.data, asQuery, size) +
        dot(q.data, at, table.data, asQuery + width, size)
      );
    },
  });
  return weights
    ? { output: result.weights(), wanted: wanted.weights }
    : { output: result.output, wanted: wanted.output };
}

export function positionChecks(): NamedCheck[] {
  return [7, 36].flatMap((size): NamedCheck[] => {
    const name = `attention to positions, heads of ${size}`;
    return [
      [name, (inputs) => checkPositions(inputs, size, false)],
      [`${name}, weights`, (inputs) => checkPositions(inputs, size, true)],
    ];
  });
}
