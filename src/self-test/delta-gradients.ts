// The gradients of the gated delta rule, kernel by kernel: central differences along what each of them is the gradient of.

import { gradients } from '../runtime/gradient.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { gatedDelta } from '../shaders/recurrence/gated-delta.ts';
import type { Result } from './checks.ts';
import {
  blocks,
  chunk,
  columns,
  keySize,
  pass,
  type Stages,
  tokens,
  valueSize,
} from './delta-pass.ts';
import { normedOf } from './delta-rule.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { dot, slopes } from './math.ts';
import { bound, type NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function deltaGradientChecks(): NamedCheck[] {
  const prefix = 'gated-delta-backward';
  return [
    ['states of a delta rule', (inputs) => checkPart(inputs, `${prefix}-states`, 'states')],
    ['gradient of states', (inputs) => checkPart(inputs, `${prefix}-scan`, 'd_states')],
    [
      'gradient of what is read of a state',
      (inputs) => checkPart(inputs, `${prefix}-terms`, 'd_terms'),
    ],
    [
      'gradient of what a chunk learns',
      (inputs) => checkPart(inputs, `${prefix}-solve`, 'd_right'),
    ],
    [
      'gradient of scores of a delta rule',
      (inputs) => checkPart(inputs, `${prefix}-scores`, 'd_scores'),
    ],
    ['gradient of queries and keys', (inputs) => checkPart(inputs, `${prefix}-keys`, 'd_qk')],
    ['gradient of decays', (inputs) => checkPart(inputs, `${prefix}-decays`, 'd_gates')],
    ['gradient of gates of a delta rule', (inputs) => checkPart(inputs, `${prefix}-gates`, 'dx')],
    ['gradient of a delta rule', (inputs) => checkPart(inputs, 'unit-heads-backward', 'dx')],
    ['gradient of a norm with gates', checkNorm],
  ];
}

/** What a kernel writes, beside slopes along what that is the gradient of. */
function checkPart(inputs: Inputs, operation: string, binding: string): Result {
  const x = inputs.floats([1, tokens, columns]);
  const given = inputs.floats([1, tokens, 2]);
  const weight = inputs.floats([2]);
  const heads = { heads: 1, keyHeads: 1, keySize, valueSize };
  const gates = { tensor: given.tensor, start: 0 };
  const output = gatedDelta(x.tensor, { ...heads, gates, rates: weight.tensor });
  const r = inputs.floats(output.shape);
  const seeds = new Map([[output, r.tensor]]);
  gradients(inputs.recording, seeds, [x.tensor, given.tensor], gradientRules);
  const drawn = { x: x.data, given: given.data, weight: weight.data };
  const stages = pass(drawn);
  /** The slope along each number of a stage. Those that no token has are 0, and so are their slopes. */
  const along = (name: keyof Stages, more: Partial<Stages> = {}): Float64Array => {
    const whole = Float64Array.from(stages[name]);
    const used = [...whole.keys()].filter((at) => whole[at] !== 0);
    const isDrawn = name === 'x' || name === 'given';
    const found = slopes(
      used.map((at) => whole[at] ?? NaN),
      (moved) => {
        const all = whole.slice();
        used.forEach((at, n) => (all[at] = moved[n] ?? NaN));
        const one = { [name]: all };
        const { y } = isDrawn ? pass({ ...drawn, ...one }) : pass(drawn, { ...more, ...one });
        return dot(r.data, 0, y, 0, y.length);
      },
    );
    const all = new Float64Array(whole.length);
    used.forEach((at, n) => (all[at] = found[n] ?? NaN));
    return all;
  };
  const keys = keySize * chunk;
  /** Of each block, the rows behind those of U. */
  const behindU = (all: Float64Array): number[] =>
    Array.from({ length: blocks }, (_, block) => {
      const first = block * (valueSize * chunk + 3 * keys) + valueSize * chunk;
      return [...all.subarray(first, first + 3 * keys)];
    }).flat();
  const wanted: Record<string, () => ArrayLike<number>> = {
    states: () => Array.from(stages.states).slice(0, blocks * keySize * valueSize),
    d_states: () => along('states').subarray(keySize * valueSize),
    d_terms: () => behindU(along('terms')),
    d_right: () => along('right'),
    d_scores: () => along('scores'),
    d_qk: () => along('qk'),
    d_gates: () => {
      const { ends } = stages;
      const ofGates = along('gates', { ends });
      const [terms, slope] = [behindU(Float64Array.from(stages.terms)), behindU(along('terms'))];
      return Array.from({ length: blocks * 3 * chunk }, (_, at) => {
        const [block, kind, i] = [
          Math.floor(at / chunk / 3),
          Math.floor(at / chunk) % 3,
          at % chunk,
        ];
        if (kind === 2) {
          const ofKeys = Array.from({ length: keySize }, (__, m) => {
            const place = (3 * block + 2) * keys + m * chunk + i;
            return (terms[place] ?? NaN) * (slope[place] ?? NaN);
          });
          return ofKeys.reduce((a, b) => a + b, 0);
        }
        const rate = stages.gates[(2 * block + 1) * chunk + i] ?? NaN;
        const own = ofGates[(2 * block + kind) * chunk + i] ?? NaN;
        return kind === 0 ? own : own * rate * (1 - rate);
      });
    },
    dx: () => along(operation.endsWith('gates') ? 'given' : 'x'),
  };
  return { output: bound(inputs, operation, binding), wanted: wanted[binding]?.() ?? [] };
}

function checkNorm(inputs: Inputs): Result {
  const { x, forward, output } = normedOf(inputs);
  return gradientOf(inputs, output, x, forward);
}
