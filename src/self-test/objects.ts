// The checks of what detectors learn from: which token stands for which object, and the loss of their boxes.

import { boxLoss } from '../shaders/loss/box-loss.ts';
import { boxCosts, matchBoxes, matchedLabels, type Objects } from '../shaders/loss/match-boxes.ts';
import type { Result } from './checks.ts';
import { gradientOf } from './gradients.ts';
import type { Input, Inputs } from './inputs.ts';
import { rowsOf, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [queries, columns, share] = [4, 3, 0.6];
const classes = [1, 0];
const costs = { class: 1, box: 5, overlap: 2 };
const factors = { distance: 5, overlap: 2 };

/** To be run on recordings that keep a tape. */
export function objectChecks(): NamedCheck[] {
  return [
    ['costs of matches', (inputs) => checkMatch(inputs, 'costs')],
    ['matches of objects', (inputs) => checkMatch(inputs, 'matched')],
    ['labels of tokens by their objects', (inputs) => checkMatch(inputs, 'weights')],
    ['losses of boxes', (inputs) => checkLoss(inputs, false)],
    ['gradient of losses of boxes', (inputs) => checkLoss(inputs, true)],
  ];
}

/** Boxes that lie within an image. */
function boxesOf(inputs: Inputs, count: number): Input {
  const data = inputs.values(4 * count).map((value) => 0.5 + 0.3 * value);
  return { tensor: inputs.tensor([1, count, 4], data), data };
}

interface Image {
  readonly logits: Input;
  readonly boxes: Input;
  readonly places: Input;
  readonly objects: Objects;
}

function imageOf(inputs: Inputs): Image {
  const places = boxesOf(inputs, classes.length);
  return {
    logits: inputs.floats([1, queries, columns]),
    boxes: boxesOf(inputs, queries),
    places,
    objects: {
      classes: inputs.tensor([1, classes.length], Uint32Array.from(classes)),
      places: places.tensor,
      sizes: inputs.tensor([1], Uint32Array.of(classes.length)),
      shares: inputs.tensor([2], Float32Array.of(share, share)),
    },
  };
}

/** Generalized intersection over union. */
function overlapOf(a: readonly number[], b: readonly number[]): number {
  const along = (axis: 0 | 1): { inside: number; around: number } => {
    const ends = (box: readonly number[]): [number, number] => {
      const [center = NaN, size = NaN] = [box[axis], box[axis + 2]];
      return [center - size / 2, center + size / 2];
    };
    const [[lowA, highA], [lowB, highB]] = [ends(a), ends(b)];
    const inside = Math.max(0, Math.min(highA, highB) - Math.max(lowA, lowB));
    return { inside, around: Math.max(highA, highB) - Math.min(lowA, lowB) };
  };
  const [x, y] = [along(0), along(1)];
  const area = (box: readonly number[]): number => (box[2] ?? NaN) * (box[3] ?? NaN);
  const inside = x.inside * y.inside;
  const united = area(a) + area(b) - inside;
  return inside / united + united / (x.around * y.around) - 1;
}

function distanceOf(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0);
}

/** The costs of each object with each token. */
function costsOf({ logits, boxes, places }: Image): number[][] {
  const shares = rowsOf(logits.data, columns).map(softmaxRow);
  const tokens = rowsOf(boxes.data, 4);
  return rowsOf(places.data, 4).map((place, object) =>
    tokens.map((box, token) => {
      const known = shares[token]?.[classes[object] ?? NaN] ?? NaN;
      return (
        costs.box * distanceOf(box, place) -
        costs.class * known -
        costs.overlap * overlapOf(box, place)
      );
    }),
  );
}

/** The tokens of both objects that cost least together, of all pairs of them. */
function bestOf(all: readonly (readonly number[])[]): number[] {
  const [first = [], second = []] = all;
  const pairs = first.flatMap((a, i) =>
    second.flatMap((b, j) => (i === j ? [] : [{ cost: a + b, tokens: [i, j] }])),
  );
  return pairs.reduce((best, pair) => (pair.cost < best.cost ? pair : best)).tokens;
}

function checkMatch(inputs: Inputs, wanted: 'costs' | 'matched' | 'weights'): Result {
  const image = imageOf(inputs);
  const { logits, boxes, objects } = image;
  const all = costsOf(image);
  if (wanted === 'costs') {
    return { output: boxCosts(logits.tensor, boxes.tensor, objects, costs), wanted: all.flat() };
  }
  const best = bestOf(all);
  const matched = matchBoxes(logits.tensor, boxes.tensor, objects, costs);
  const ofTokens = Array.from({ length: queries }, (_, token) => best.indexOf(token) + 1);
  // Column 0 keeps the object that was looked for last.
  if (wanted === 'matched') return { output: matched, wanted: [classes.length, ...ofTokens] };
  const { weights } = matchedLabels(matched, objects, { nothing: columns - 1, rest: 0.25 });
  return { output: weights, wanted: ofTokens.map((object) => share * (object > 0 ? 1 : 0.25)) };
}

function checkLoss(inputs: Inputs, backward: boolean): Result {
  const image = imageOf(inputs);
  const { logits, boxes, places, objects } = image;
  const best = bestOf(costsOf(image));
  const forward = (values: ArrayLike<number>): number[] =>
    rowsOf(values, 4).map((box, token) => {
      const place = rowsOf(places.data, 4)[best.indexOf(token)];
      if (place === undefined) return 0;
      const apart = 1 - overlapOf(box, place);
      return share * (factors.distance * distanceOf(box, place) + factors.overlap * apart);
    });
  const matched = matchBoxes(logits.tensor, boxes.tensor, objects, costs);
  const output = boxLoss(boxes.tensor, matched, objects, factors);
  if (!backward) return { output, wanted: forward(boxes.data) };
  return gradientOf(inputs, output, boxes, forward);
}
