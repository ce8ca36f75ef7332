// What makes a score of a translator's own certainty: fitted to phrases inside of its field and texts outside of it.

/** `score_calibration` of config.json: a score is 1 / (1 + exp(-(slope · x + offset))). */
export interface Calibration {
  readonly slope: number;
  readonly offset: number;
}

/** The part of the phrases inside that may fall below 0.5. */
const falseAlarms = 0.008;

/**
 * Fits a score to mean log-probabilities of translations: it is 0.5 where eight in a thousand of those `inside` lie
 * below, and as steep as makes both lists likeliest, each as a whole counting as much (Platt 1999).
 */
export function fitCalibration(inside: readonly number[], outside: readonly number[]): Calibration {
  const threshold = [...inside].toSorted((a, b) => a - b)[Math.floor(falseAlarms * inside.length)];
  if (threshold === undefined || outside.length === 0) throw new RangeError('nothing to fit to');
  // Newton's steps for the slope, in which the log-likelihood is concave. Begun from nothing, it only grows.
  let slope = 0;
  for (let step = 0; step < 100; step++) {
    let [first, second] = [0, 0];
    for (const [list, label] of [
      [inside, 1],
      [outside, 0],
    ] as const) {
      for (const value of list) {
        const x = value - threshold;
        const p = 1 / (1 + Math.exp(-slope * x));
        first += ((label - p) * x) / list.length;
        second += (p * (1 - p) * x * x) / list.length;
      }
    }
    if (second === 0) break;
    slope += first / second;
    if (Math.abs(first / second) < 1e-9 * slope) break;
  }
  return { slope, offset: -slope * threshold };
}
