// The checks of activations that are edited, and of attention step by step.

import { attentionSteps } from '../shaders/attention/attention-steps.ts';
import { edit } from '../shaders/elementwise/edit.ts';
import type { Inputs } from './inputs.ts';
import { softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';
import type { Result } from './checks.ts';

const [batch, tokens, heads, size] = [2, 3, 2, 5];

/** The second head of the last token of the second sequence, behind two other columns. */
function checkEdit(inputs: Inputs): Result {
  const columns = 2 + heads * size;
  const [x, value] = [inputs.floats([batch, tokens, columns]), inputs.floats([size])];
  const rule = Float32Array.of(0.5, 3, 0, 1, 0, 0, 1, 0, 1);
  const output = edit(
    x.tensor,
    { first: 2, heads, headSize: size },
    {
      value: value.tensor,
      each: false,
      rule: inputs.tensor([rule.length], rule),
      sequences: batch,
      positions: tokens,
    },
  );
  const first = x.data.length - size;
  const wanted = Float64Array.from(x.data, (own, i) =>
    i < first ? own : 0.5 * own + 3 * (value.data[i - first] ?? NaN),
  );
  return { output, wanted };
}

const keys = 7;

function stepsOf(inputs: Inputs) {
  const v = inputs.floats([batch, keys, size]);
  const values = { tensor: v.tensor, start: 0, headSize: size, group: heads, sinks: undefined };
  return { v, steps: attentionSteps(values) };
}

function checkShares(inputs: Inputs): Result {
  const scores = inputs.floats([batch, heads, tokens, keys]);
  const { data } = scores;
  const rows = Array.from({ length: data.length / keys }, (_, row) =>
    softmaxRow([...data.subarray(row * keys, (row + 1) * keys)]),
  );
  return { output: stepsOf(inputs).steps.softmax(scores.tensor), wanted: rows.flat() };
}

function checkMix(inputs: Inputs): Result {
  const weights = inputs.floats([batch, heads, tokens, keys]);
  const { v, steps } = stepsOf(inputs);
  const wanted = Float64Array.from({ length: batch * tokens * heads * size }, (_, i) => {
    const [column, head] = [i % size, Math.floor(i / size) % heads];
    const [token, sequence] = [
      Math.floor(i / size / heads) % tokens,
      Math.floor(i / size / heads / tokens),
    ];
    let sum = 0;
    for (let key = 0; key < keys; key++) {
      const weight = weights.data[((sequence * heads + head) * tokens + token) * keys + key] ?? NaN;
      sum += weight * (v.data[(sequence * keys + key) * size + column] ?? NaN);
    }
    return sum;
  });
  return { output: steps.mix(weights.tensor), wanted };
}

export function editChecks(): NamedCheck[] {
  return [
    ['an edited activation', checkEdit],
    ['attention step by step, softmax', checkShares],
    ['attention step by step, values', checkMix],
  ];
}
