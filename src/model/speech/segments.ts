// What is spoken of in a window, by the time stamps between its tokens, and where the next window begins ("Robust Speech
// Recognition via Large-Scale Weak Supervision", Radford et al., 2022, §3.8).

/** A stretch of speech, in seconds from the beginning of the sound. */
export interface SpeechSegment {
  /** Seconds at which it begins. */
  readonly start: number;
  /** Seconds at which it ends. */
  readonly end: number;
  /** With the time stamps around them. */
  readonly tokens: readonly number[];
  /** When each token was spoken, where this is asked for. */
  readonly tokenTimestamps?: readonly number[];
}

/** Seconds of a time stamp's step, and its frames. */
export const stampSeconds = 0.02;
const stampFrames = 2;

export interface WindowTokens {
  /** What was generated, without an end token. */
  readonly tokens: readonly number[];
  /** When each of them was spoken, in seconds of the window. */
  readonly times: readonly number[] | undefined;
  readonly firstStamp: number;
  /** Frames of the window, and those before it. */
  readonly frames: number;
  readonly before: number;
}

/** The segments of a window, and frames up to the next one. */
export function segmentsOf({ tokens, times, firstStamp, frames, before }: WindowTokens): {
  segments: SpeechSegment[];
  advance: number;
} {
  const offset = (before * stampSeconds) / stampFrames;
  const isStamp = (place: number): boolean => (tokens[place] ?? -1) >= firstStamp;
  const stampAt = (place: number): number => (tokens[place] ?? firstStamp) - firstStamp;
  const segment = (from: number, to: number, start: number, end: number): SpeechSegment => ({
    start: offset + start * stampSeconds,
    end: offset + end * stampSeconds,
    tokens: tokens.slice(from, to),
    ...(times && { tokenTimestamps: times.slice(from, to).map((time) => time + offset) }),
  });
  const { length } = tokens;
  // Where one stamp follows another, a segment ends and the next begins.
  const slices = tokens.flatMap((_, place) =>
    place > 0 && isStamp(place - 1) && isStamp(place) ? [place] : [],
  );
  const endsWithOne = length > 1 && isStamp(length - 1) && !isStamp(length - 2);
  if (slices.length === 0) {
    const last = tokens.findLastIndex((token) => token >= firstStamp);
    const whole = Math.trunc(frames / stampFrames);
    const end = last >= 0 && stampAt(last) > 0 ? stampAt(last) : whole;
    return { segments: [segment(0, length, 0, end)], advance: frames };
  }
  if (endsWithOne) slices.push(length);
  else slices.push((slices.pop() ?? 0) + 1);
  let first = 0;
  const segments = slices.map((end, index) => {
    const isLast = index === slices.length - 1;
    const stop = end - (isLast && !endsWithOne ? 2 : 1);
    const made = segment(first, end, stampAt(first), stampAt(stop));
    first = end;
    return made;
  });
  // One stamp at the end says that nobody speaks behind it; else what was cut off is heard again.
  return { segments, advance: endsWithOne ? frames : stampAt(first - 2) * stampFrames };
}
