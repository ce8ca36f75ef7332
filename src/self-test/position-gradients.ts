// The checks of the gradient of attention that compares with relative positions.

import { gradients } from '../runtime/gradient.ts';
import { attention } from '../shaders/attention/attention.ts';
import { positionScores } from '../shaders/attention/positions/attention-positions.ts';
import { gradientRules } from '../shaders/gradients.ts';
import type { Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { attend, dot, rowsOf, slopes } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [batches, heads, size, queries, keys, reach] = [2, 2, 5, 3, 6, 2];
const width = heads * size;

type Wanted = 'queries' | 'table' | 'pairs';

/** To be run on recordings that keep a tape. */
export function positionGradientChecks(): NamedCheck[] {
  return (['queries', 'table', 'pairs'] as const).map((wanted) => [
    `gradient of attention to positions, ${wanted}`,
    (inputs) => checkPositions(inputs, wanted),
  ]);
}

/** Both terms, over distances up to 2 and beyond. */
function checkPositions(inputs: Inputs, wanted: Wanted): Result {
  const q = inputs.floats([batches, queries, width]);
  const kv = inputs.floats([batches, keys, 2 * width]);
  const table = inputs.floats([2 * reach + 1, 2 * width]);
  const { output } = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: kv.tensor, start: 0 },
    v: { tensor: kv.tensor, start: width },
    keyMask: inputs.tensor([batches, keys], new Uint32Array(batches * keys).fill(1)),
    heads,
    headSize: size,
    causal: false,
    positions: positionScores(table.tensor, undefined, { c2p: true, p2c: true, width }),
  });
  const r = inputs.floats(output.shape);
  const { recording } = inputs;
  const along = wanted === 'queries' ? q.tensor : table.tensor;
  const found = gradients(recording, new Map([[output, r.tensor]]), [along], gradientRules);
  const pairs = recording.dispatches.findLast(({ bindings }) => bindings['pairs']);
  const gradient = wanted === 'pairs' ? pairs?.bindings['pairs'] : found.get(along);
  if (gradient === undefined) throw new Error('attention to positions has no gradient');

  const rows = rowsOf(kv.data, 2 * width);
  const k = rows.flatMap((row) => row.slice(0, width));
  const v = rows.flatMap((row) => row.slice(width));
  /** `ofPairs`: what comes to the product of each pair. */
  const forward = (
    query: ArrayLike<number>,
    positions: ArrayLike<number>,
    ofPairs?: Float64Array,
  ): { output: Float64Array; weights: Float64Array } =>
    attend(query, k, v, {
      batches,
      heads,
      queries,
      keys,
      size,
      sees: () => true,
      more: (at, keyAt, row, key) => {
        const distance = reach + Math.max(-reach, Math.min(reach, key - row));
        const asQuery = 2 * distance * width + (at % width);
        const head = Math.floor((at % width) / size);
        const line = Math.floor(at / width / queries) * heads + head;
        return (
          dot(k, keyAt, positions, asQuery, size) +
          dot(query, at, positions, asQuery + width, size) +
          (ofPairs?.[(line * queries + row) * keys + key] ?? 0)
        );
      },
    });
  const loss = (result: { output: Float64Array }): number =>
    dot(r.data, 0, result.output, 0, r.data.length);
  if (wanted === 'queries') {
    return { output: gradient, wanted: slopes(q.data, (x) => loss(forward(x, table.data))) };
  }
  if (wanted === 'table') {
    return { output: gradient, wanted: slopes(table.data, (x) => loss(forward(q.data, x))) };
  }
  const { weights } = forward(q.data, table.data);
  const none = new Float64Array(weights.length);
  const ds = slopes(none, (x) => loss(forward(q.data, table.data, x)));
  return {
    output: gradient,
    wanted: Float64Array.from({ length: 2 * ds.length }, (_, i) =>
      i % 2 === 0 ? (weights[i / 2] ?? NaN) : (ds[(i - 1) / 2] ?? NaN),
    ),
  };
}
