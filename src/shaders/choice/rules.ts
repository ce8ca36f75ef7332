// The settings of a generation as data: words that kernels read, a row for every sequence, so that one list
// serves them all and sequences of unlike settings go together.

/** Where each word of a row stands, as rules.wgsl has it: `f32` words are numbers, the others whole ones. */
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
  padding: 'u32',
  draws: 'u32',
  stream: 'u32',
  flagSet: 'u32',
  sequences: 'u32',
  targets: 'u32',
  timestampBegin: 'u32',
  initialTimestamps: 'u32',
  endToken: 'u32',
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
  topP: 2, // more than all probabilities
  minP: 0,
  typicalP: 2,
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
  padding: 0,
  draws: 0,
  stream: 0,
  flagSet: 0,
  sequences: 0,
  targets: 0,
  timestampBegin: never,
  initialTimestamps: never,
  endToken: 0,
};

/** Words of a row of rules. */
export const ruleCount: number = Object.keys(words).length;

/** The words of a row. */
export function packRules(rules: Rules): Uint32Array<ArrayBuffer> {
  const packed = new DataView(new ArrayBuffer(4 * ruleCount));
  Object.entries(words).forEach(([name, type], i) => {
    const value = rules[name as keyof Rules];
    if (type === 'u32') packed.setUint32(4 * i, value, true);
    else packed.setFloat32(4 * i, value, true);
  });
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
