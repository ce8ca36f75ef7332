// From logits to scores.

/** exp(x) in proportion to their sum. */
export function softmax(logits: ArrayLike<number>): number[] {
  const list = Array.from(logits);
  const most = list.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = list.map((x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** So many may be kept in order while others come; more are sorted at the end. */
const few = 32;

/** The places of the `count` greatest scores, the greatest first; equal ones in their order. */
export function greatest(scores: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  const score = (place: number | undefined): number => scores[place ?? -1] ?? -Infinity;
  if (count > few) {
    const places = Array.from(scores, (_, place) => place);
    return places.toSorted((a, b) => score(b) - score(a) || 0).slice(0, count);
  }
  for (let place = 0; place < scores.length; place++) {
    if (best.length === count && score(place) <= score(best.at(-1))) continue;
    let at = best.length;
    while (at > 0 && score(best[at - 1]) < score(place)) at--;
    best.splice(at, 0, place);
    if (best.length > count) best.pop();
  }
  return best;
}
