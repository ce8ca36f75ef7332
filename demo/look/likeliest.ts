// Logits as probabilities, and the tokens that they favour.

/** The numbers of the largest logits, the largest first. */
export function largest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id] ?? 0;
    if (best.length === count && value <= (logits[best[count - 1] ?? 0] ?? 0)) continue;
    let place = best.length;
    while (place > 0 && (logits[best[place - 1] ?? 0] ?? 0) < value) place--;
    best.splice(place, 0, id);
    best.length = Math.min(best.length, count);
  }
  return best;
}

/** The logarithm of the sum of exponentials, each divided by the temperature before. */
function logSum(logits: Float32Array, temperature: number): number {
  const most = logits.reduce((greatest, logit) => Math.max(greatest, logit), -Infinity);
  let sum = 0;
  for (const logit of logits) sum += Math.exp((logit - most) / temperature);
  return most / temperature + Math.log(sum);
}

/** How likely each of these tokens is. */
export function probabilities(
  logits: Float32Array,
  ids: readonly number[],
  temperature = 1,
): number[] {
  const total = logSum(logits, temperature);
  return ids.map((id) => Math.exp((logits[id] ?? -Infinity) / temperature - total));
}

/** Whether all of them are numbers. */
export function areFinite(logits: Float32Array): boolean {
  return logits.every(Number.isFinite);
}

/**
 * How many of the likeliest tokens a draw takes part in: the fewest that together have this probability ("The Curious Case
 * of Neural Text Degeneration", Holtzman et al. 2020, §3.1).
 */
export function nucleus(logits: Float32Array, temperature: number, topP: number): number {
  if (topP >= 1) return logits.length;
  const total = logSum(logits, temperature);
  const sorted = logits.toSorted().toReversed();
  let sum = 0;
  for (const [i, logit] of sorted.entries()) {
    sum += Math.exp(logit / temperature - total);
    if (sum >= topP) return i + 1;
  }
  return sorted.length;
}
