// The settings of a generation as data: words that kernels read, so that one list serves them all.

/** Where each word stands, as rules.wgsl has it: `f32` words are numbers, the others whole ones. */
const words = {
  seed: 'u32',
  promptLength: 'u32',
  sourceLength: 'u32',
  minLength: 'u32',
  beginLength: 'u32',
  firstLength: 'u32',
  lastLength: 'u32',
  decayLength: 'u32',
  decay: 'f32',
  temperature: 'f32',
  topK: 'u32',
  topP: 'f32',
  minP: 'f32',
  typicalP: 'f32',
  epsilonCutoff: 'f32',
  etaCutoff: 'f32',
  kept: 'u32',
  penalty: 'f32',
  presence: 'f32',
  frequency: 'f32',
  ngram: 'u32',
  sourcePenalty: 'f32',
  sourceNgram: 'u32',
  padToken: 'u32',
  stopsEarly: 'u32',
  attainableLength: 'u32',
  maxLength: 'u32',
} as const;

/** A value for each word. Lengths are those of whole sequences, prompt included: see rules.wgsl. */
export type Rules = Readonly<Record<keyof typeof words, number>>;

/** Stands for a length that does not come, and for no place. */
export const never: number = 2 ** 32 - 1;

/** Rules that change nothing. */
export const neutralRules: Rules = {
  seed: 0,
  promptLength: 1,
  sourceLength: 0,
  minLength: 0,
  beginLength: never,
  firstLength: never,
  lastLength: never,
  decayLength: never,
  decay: 1,
  temperature: 1,
  topK: never,
  topP: 1,
  minP: 0,
  typicalP: 1,
  epsilonCutoff: 0,
  etaCutoff: 0,
  kept: 1,
  penalty: 1,
  presence: 0,
  frequency: 0,
  ngram: 0,
  sourcePenalty: 1,
  sourceNgram: 0,
  padToken: 0,
  stopsEarly: 0,
  attainableLength: never,
  maxLength: never,
};

/** Words of the rules without the norms. */
export const ruleCount: number = Object.keys(words).length;

/** The words of `rules`, then the norms: (number of generated tokens) ^ length penalty, from 0 on. */
export function packRules(rules: Rules, norms: readonly number[] = []): Uint32Array<ArrayBuffer> {
  const packed = new DataView(new ArrayBuffer(4 * (ruleCount + norms.length)));
  Object.entries(words).forEach(([name, type], i) => {
    const value = rules[name as keyof Rules];
    if (type === 'u32') packed.setUint32(4 * i, value, true);
    else packed.setFloat32(4 * i, value, true);
  });
  norms.forEach((norm, i) => packed.setFloat32(4 * (ruleCount + i), norm, true));
  return new Uint32Array(packed.buffer);
}

/** What rules say of single tokens, as flags: token-rule.wgsl. */
export const tokenFlags: Readonly<
  Record<'bad' | 'suppressed' | 'suppressedFirst' | 'end' | 'forcedFirst' | 'forcedLast', number>
> = {
  /** May never come. */
  bad: 1,
  /** The same, not even when it is forced. */
  suppressed: 2,
  /** May not come first. */
  suppressedFirst: 4,
  end: 8,
  forcedFirst: 16,
  forcedLast: 32,
};
