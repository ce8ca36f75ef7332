// One sequence of the tokens of sounds that overlap, by what two neighbours say alike.

/** Tokens, and when each was spoken, where this is known. */
export interface TimedTokens {
  readonly tokens: readonly number[];
  readonly times?: readonly (readonly [start: number, end: number])[] | undefined;
}

/**
 * Joins sequences of which each goes on where the one before ends, or some way before that. Of what both have, the
 * first half is that of the left one. As in Hugging Face, tokens whose times go back do not count as the same.
 */
export function joinOverlapping([first, ...others]: readonly TimedTokens[]): TimedTokens {
  const tokens: number[] = [];
  const times: (readonly [number, number])[] = [];
  let left = first ?? { tokens: [] };
  const keep = ({ tokens: own, times: when = [] }: TimedTokens, count?: number): void => {
    tokens.push(...own.slice(0, count));
    times.push(...when.slice(0, count));
  };
  for (const right of others) {
    const { leftMiddle, rightMiddle } = overlapOf(left, right);
    keep(left, leftMiddle);
    left = { tokens: right.tokens.slice(rightMiddle), times: right.times?.slice(rightMiddle) };
  }
  keep(left);
  return first?.times === undefined ? { tokens } : { tokens, times };
}

/** The middle of the best overlap in both sequences. */
function overlapOf(
  { tokens: left, times: leftTimes }: TimedTokens,
  { tokens: right, times: rightTimes }: TimedTokens,
): { leftMiddle: number; rightMiddle: number } {
  let best = { score: 0, left: [left.length, left.length], right: [0, 0] };
  for (let shift = 1; shift < left.length + right.length; shift++) {
    const from = Math.max(0, left.length - shift);
    const to = Math.min(left.length, left.length + right.length - shift);
    const other = Math.max(0, shift - left.length);
    let same = 0;
    for (let i = 0; i < to - from; i++) {
      if (left[from + i] !== right[other + i]) continue;
      if (isInOrder(leftTimes?.[from + i], rightTimes?.[other + i])) same++;
    }
    // Long overlaps come before short ones that are as good.
    const score = same / shift + shift / 10_000;
    if (same > 1 && score > best.score) {
      best = { score, left: [from, to], right: [other, Math.min(right.length, shift)] };
    }
  }
  const middle = ([start = 0, end = 0]: readonly number[]): number => Math.floor((start + end) / 2);
  return { leftMiddle: middle(best.left), rightMiddle: middle(best.right) };
}

type Span = readonly [start: number, end: number] | undefined;

/** Whether one span does not lie behind another, by their starts, then their ends. */
function isInOrder(a: Span, b: Span): boolean {
  if (a === undefined || b === undefined) return true;
  return a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1]);
}
