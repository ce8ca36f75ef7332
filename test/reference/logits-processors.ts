// The logits processors and warpers of Hugging Face, one row at a time, by the names of their options.

export interface Options {
  readonly max_length: number;
  readonly min_length?: number;
  readonly num_beams?: number;
  readonly do_sample?: boolean;
  readonly num_return_sequences?: number;
  readonly seed?: number;
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly typical_p?: number;
  readonly epsilon_cutoff?: number;
  readonly eta_cutoff?: number;
  readonly repetition_penalty?: number;
  readonly encoder_repetition_penalty?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly no_repeat_ngram_size?: number;
  readonly encoder_no_repeat_ngram_size?: number;
  readonly bad_words_ids?: readonly (readonly number[])[];
  readonly sequence_bias?: readonly (readonly [readonly number[], number])[];
  readonly suppress_tokens?: readonly number[];
  readonly begin_suppress_tokens?: readonly number[];
  readonly forced_bos_token_id?: number;
  readonly forced_eos_token_id?: readonly number[];
  readonly exponential_decay_length_penalty?: readonly [number, number];
  readonly length_penalty?: number;
  readonly early_stopping?: boolean | 'never';
  readonly renormalize_logits?: boolean;
  readonly eos_token_id?: readonly number[];
  readonly pad_token_id?: number;
}

/** log softmax; -∞ stays. */
export function logSoftmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  if (largest === -Infinity) return [...scores];
  const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
  return scores.map((score) => score - largest - Math.log(sum));
}

/** The last tokens of the n-grams in `list` that begin with `prefix`, n - 1 tokens. */
function followers(list: readonly number[], prefix: readonly number[]): number[] {
  return list.filter(
    (_, at) =>
      at >= prefix.length && prefix.every((token, i) => list[at - prefix.length + i] === token),
  );
}

const hide = (scores: number[], tokens: readonly number[]): void => {
  for (const token of tokens) scores[token] = -Infinity;
};

/** What a row began with. */
export interface RowInput {
  /** Tokens of the prompt, padding included. */
  readonly prompt: number;
  /** Tokens of padding in front. */
  readonly padding: number;
  readonly source: readonly number[];
}

/** Scores after all processors that the options ask for, in the order of Hugging Face. */
export function logitsProcessors(
  given: readonly number[],
  tokens: readonly number[],
  { prompt, padding, source }: RowInput,
  options: Options,
): number[] {
  const scores = [...given];
  const { length } = tokens;
  const ends = options.eos_token_id ?? [];
  const penalize = (list: readonly number[], penalty: number): void => {
    for (const token of new Set(list)) {
      const score = scores[token]!;
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  };
  const bias = (sequence: readonly number[], value: number): void => {
    const prefix = sequence.slice(0, -1);
    const matches = prefix.every((token, i) => tokens[length - prefix.length + i] === token);
    if (matches) scores[sequence.at(-1)!]! += value;
  };
  for (const [sequence, value] of options.sequence_bias ?? []) bias(sequence, value);
  penalize(source, 1 / (options.encoder_repetition_penalty ?? 1));
  // N-grams may lie in padding; the penalty leaves it out.
  penalize(tokens.slice(padding), options.repetition_penalty ?? 1);
  for (const token of tokens.slice(prompt)) scores[token]! -= options.frequency_penalty ?? 0;
  for (const token of new Set(tokens.slice(prompt))) {
    scores[token]! -= options.presence_penalty ?? 0;
  }
  for (const [list, n] of [
    [tokens, options.no_repeat_ngram_size ?? 0],
    [source, options.encoder_no_repeat_ngram_size ?? 0],
  ] as const) {
    if (n > 0 && length + 1 >= n) hide(scores, followers(list, tokens.slice(length - n + 1)));
  }
  for (const word of options.bad_words_ids ?? []) {
    if (word.length > 1 || !ends.includes(word[0]!)) bias(word, -Infinity);
  }
  if (length < (options.min_length ?? 0)) hide(scores, ends);
  const force = (only: readonly number[]): void => {
    scores.fill(-Infinity);
    for (const token of only) scores[token] = 0;
  };
  const first = options.forced_bos_token_id;
  if (first !== undefined && length === 1) force([first]);
  if (options.forced_eos_token_id && length === options.max_length - 1) {
    force(options.forced_eos_token_id);
  }
  const [start, factor] = options.exponential_decay_length_penalty ?? [Infinity, 1];
  const over = length - (start + prompt);
  if (over > 0) {
    for (const end of ends) {
      if (scores[end]! > -Infinity) scores[end]! += Math.abs(scores[end]!) * (factor ** over - 1);
    }
  }
  hide(scores, options.suppress_tokens ?? []);
  const begins = prompt > 1 || first === undefined ? prompt : prompt + 1;
  if (length === begins) hide(scores, options.begin_suppress_tokens ?? []);
  return scores;
}

/** Scores after all warpers that the options ask for, in the order of Hugging Face. */
export function warpScores(given: readonly number[], options: Options): number[] {
  const { num_beams: beams = 1, eos_token_id: ends = [] } = options;
  const kept = beams > 1 ? 1 + Math.max(1, ends.length) : 1;
  let scores = given.map((score) => score / (options.temperature ?? 1));
  const warp = (
    keeps: (chances: number[], order: number[], logs: number[]) => Set<number>,
  ): void => {
    const logs = logSoftmax(scores);
    const order = scores.map((_, i) => i).toSorted((a, b) => scores[b]! - scores[a]!);
    const stays = keeps(logs.map(Math.exp), order, logs);
    scores = scores.map((score, token) => (stays.has(token) ? score : -Infinity));
  };
  const likely = (chances: number[], order: number[], cutoff: number): Set<number> =>
    new Set(order.filter((token, place) => chances[token]! >= cutoff || place < kept));
  const heads = (chances: number[], order: number[], mass: number): Set<number> => {
    let before = 0;
    return new Set(
      order.filter((token, place) => {
        const stays = before < mass || place < kept;
        before += chances[token]!;
        return stays;
      }),
    );
  };
  const entropyOf = (logs: number[]): number =>
    logs.reduce((sum, log) => (log === -Infinity ? sum : sum - Math.exp(log) * log), 0);

  const k = options.top_k ?? 50;
  if (k > 0) warp((_, order) => new Set(order.slice(0, Math.max(k, kept))));
  const { top_p: p = 1, min_p: least = 0, typical_p: mass = 1 } = options;
  if (p < 1) warp((chances, order) => heads(chances, order, p));
  if (least > 0) warp((chances, order) => likely(chances, order, least * Math.max(...chances)));
  if (mass < 1) {
    warp((chances, order, logs) => {
      const entropy = entropyOf(logs);
      const typical = order.toSorted(
        (a, b) => Math.abs(-logs[a]! - entropy) - Math.abs(-logs[b]! - entropy),
      );
      return heads(chances, typical, mass);
    });
  }
  const { epsilon_cutoff: epsilon = 0, eta_cutoff: eta = 0 } = options;
  if (epsilon > 0) warp((chances, order) => likely(chances, order, epsilon));
  if (eta > 0) {
    warp((chances, order, logs) =>
      likely(chances, order, Math.min(eta, Math.sqrt(eta) * Math.exp(-entropyOf(logs)))),
    );
  }
  return scores;
}
