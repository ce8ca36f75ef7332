// How the next token is chosen, in two parts: what has to be recorded, and the data it goes by. Lists
// that record the same serve all data.

import {
  chooseToken,
  logSoftmax,
  type Warp,
  warp,
  warps,
} from '../../shaders/choice/choose-token.ts';
import { neutralRules, never, type Rules, tokenFlags } from '../../shaders/choice/rules.ts';
import {
  applyHistory,
  applySequenceBias,
  applyTokenRules,
  type BiasedSequence,
  type ChoiceState,
  packSequences,
} from '../../shaders/choice/token-rules.ts';
import type * as SpeechTokens from '../../shaders/choice/speech-tokens.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { reals } from './options.ts';
import type { GenerationBounds, GenerationValues } from './read-options.ts';

/** What is recorded. */
export interface Selection {
  readonly beams: number;
  /** Continuations that beam search looks at, for each beam. */
  readonly candidates: number;
  readonly draws: boolean;
  /** Whether a caller is asked which candidates of beams end. */
  readonly asks: boolean;
  /** Whether flags change scores. */
  readonly ruled: boolean;
  readonly scales: boolean;
  readonly byHistory: boolean;
  readonly bySource: boolean;
  /** Sets of flags. */
  readonly sets: number;
  /** Words of the packed sequences, and tokens that complete one of a list at most. */
  readonly sequenceWords: number;
  readonly targets: number;
  readonly warps: readonly Warp[];
  readonly renormalizes: boolean;
  /** Whether some rows go by the rules of time stamps. */
  readonly stamped: boolean;
  /** Whether the log-probabilities of chosen tokens come back. */
  readonly weighs: boolean;
  /** How many of the tokens that the model holds likeliest come back, with the log-probabilities that it gives them. */
  readonly likely?: number;
}

/** What it goes by. */
export interface SelectionData {
  readonly rules: Rules;
  /** (V) */
  readonly flags: Uint32Array;
  readonly sequences: Uint32Array;
  /** Of beams: (number of generated tokens) ^ length penalty, from 0 on. */
  readonly norms: readonly number[];
}

/** What generation from speech goes by besides. */
export interface SpeechRules {
  /** The first token that is a time stamp, and the first behind those that may come first; none when absent. */
  readonly stamps?: { readonly begin: number; readonly initial: number } | undefined;
  /** Whether the log-probabilities of chosen tokens are wanted. */
  readonly weighs: boolean;
}

/**
 * Both parts, from the options. `sourceLength`: tokens of each source, or prompt. `asks`: whether the
 * caller has criteria of its own.
 */
export function selectionOf(
  values: GenerationValues,
  { vocabulary, prompt }: GenerationBounds,
  sourceLength: number,
  asks: boolean,
  { stamps, weighs }: SpeechRules = { weighs: false },
): { selection: Selection; data: SelectionData } {
  const { numBeams, doSample, eosTokenId: ends, maxLength, minLength } = values;
  const flags = new Uint32Array(vocabulary);
  let used = 0;
  const mark = (flag: number, tokens: readonly number[]): void => {
    if (tokens.length > 0) used |= flag;
    for (const token of tokens) flags[token] = (flags[token] ?? 0) | flag;
  };
  // A single bad word is a flag; the end of sequences is never one, as in Hugging Face.
  const isSingle = (word: readonly number[]): boolean => word.length === 1;
  const singles = values.badWordsIds.filter(isSingle).flat();
  mark(
    tokenFlags.bad,
    singles.filter((token) => !ends.includes(token)),
  );
  mark(tokenFlags.suppressed, values.suppressTokens);
  mark(tokenFlags.suppressedFirst, values.beginSuppressTokens);
  const first = values.forcedBosTokenId;
  mark(tokenFlags.forcedFirst, first === undefined ? [] : [first]);
  mark(tokenFlags.forcedLast, values.forcedEosTokenId);
  const decay = ends.length > 0 ? values.exponentialDecayLengthPenalty : undefined;
  const rulesOfEnds = ends.length > 0 && (minLength > prompt || decay !== undefined);
  const ruled = used > 0 || rulesOfEnds;
  mark(tokenFlags.end, ends);

  // The last bias of a sequence counts.
  const biased = new Map<string, BiasedSequence>();
  for (const one of values.sequenceBias) biased.set(one[0].join(), one);
  const bad = values.badWordsIds.filter((word) => !isSingle(word));
  const { words: sequences, targets } = packSequences([
    ...biased.values(),
    ...bad.map((word): BiasedSequence => [word, -Infinity]),
  ]);

  const warping = doSample
    ? warps.filter((name) => values[name] !== (name === 'topK' ? 0 : reals[name][0]))
    : [];
  const { lengthPenalty, earlyStopping } = values;
  const beginsLater = prompt === 1 && first !== undefined;
  const rules: Rules = {
    ...neutralRules,
    seed: values.seed,
    promptLength: prompt,
    sourceLength,
    minLength,
    beginLength: used & tokenFlags.suppressedFirst ? prompt + Number(beginsLater) : never,
    firstLength: used & tokenFlags.forcedFirst ? 1 : never,
    lastLength: used & tokenFlags.forcedLast ? maxLength - 1 : never,
    decayLength: decay === undefined ? never : Math.max(0, prompt + Math.floor(decay[0])),
    decay: decay?.[1] ?? 1,
    temperature: values.temperature,
    ...Object.fromEntries(warping.map((name) => [name, values[name]])),
    // Beams need a continuation besides the ends.
    kept: numBeams > 1 ? 1 + Math.max(1, ends.length) : 1,
    penalty: values.repetitionPenalty,
    presence: values.presencePenalty,
    frequency: values.frequencyPenalty,
    ngram: values.noRepeatNgramSize,
    sourcePenalty: 1 / values.encoderRepetitionPenalty,
    sourceNgram: values.encoderNoRepeatNgramSize,
    padToken: values.padTokenId,
    stopsEarly: Number(earlyStopping === true),
    maxLength,
    attainableLength: earlyStopping === 'never' && lengthPenalty > 0 ? maxLength - prompt : never,
    draws: Number(doSample),
    targets,
    ...(stamps && {
      timestampBegin: stamps.begin,
      initialTimestamps: stamps.initial,
      endToken: ends[0] ?? 0,
    }),
  };
  // Nothing divides by the norm of no tokens, which may be infinite.
  const count = numBeams > 1 ? maxLength - prompt + 1 : 0;
  const norms = Array.from({ length: count }, (_, n) => Math.max(n, 1) ** lengthPenalty);

  const selection: Selection = {
    beams: numBeams,
    candidates: numBeams > 1 ? Math.max(2, 1 + ends.length) * numBeams : 0,
    draws: doSample,
    asks: asks && numBeams > 1,
    ruled,
    scales: doSample && values.temperature !== 1,
    byHistory:
      rules.penalty !== 1 || rules.presence !== 0 || rules.frequency !== 0 || rules.ngram > 0,
    bySource: values.encoderRepetitionPenalty !== 1 || rules.sourceNgram > 0,
    sets: 1,
    sequenceWords: sequences.length,
    targets,
    warps: warping,
    renormalizes: values.renormalizeLogits && numBeams > 1,
    stamped: stamps !== undefined,
    weighs: weighs && numBeams === 1,
  };
  return { selection, data: { rules, flags, sequences, norms } };
}

/** What serves all of them in one step: rules that say nothing change nothing. Beams go alone. */
export function unite(selections: readonly Selection[]): Selection {
  const [first, ...others] = selections;
  if (first === undefined) throw new RangeError('nothing to choose by');
  if (others.length === 0) return first;
  if (selections.some(({ beams }) => beams > 1)) throw new RangeError('beams share no step');
  const some = (is: (one: Selection) => boolean): boolean => selections.some(is);
  const total = (of: (one: Selection) => number): number =>
    selections.reduce((sum, one) => sum + of(one), 0);
  return {
    ...first,
    draws: some(({ draws }) => draws),
    stamped: some(({ stamped }) => stamped),
    weighs: some(({ weighs }) => weighs),
    ruled: some(({ ruled }) => ruled),
    scales: some(({ scales }) => scales),
    byHistory: some(({ byHistory }) => byHistory),
    bySource: some(({ bySource }) => bySource),
    sets: total(({ sets }) => sets),
    sequenceWords: total(({ sequenceWords }) => sequenceWords),
    targets: selections.reduce((most, { targets }) => Math.max(most, targets), 0),
    warps: warps.filter((warping) => some((one) => one.warps.includes(warping))),
  };
}

/** Whether a selection goes by the tokens there are. */
export function readsHistory({ beams, byHistory, bySource, targets, stamped }: Selection): boolean {
  return beams > 1 || byHistory || bySource || targets > 0 || stamped;
}

/** Whether the choice itself goes by the flags of tokens, as nothing else looks at what they leave. */
function isPlain({ beams, draws, stamped, weighs }: Selection): boolean {
  return beams === 1 && !draws && !stamped && !weighs;
}

/** What a selection reads besides logits. */
export interface SelectionTensors extends ChoiceState {
  readonly flags: Tensor;
  readonly sequences?: Tensor;
  /** (R, S) u32: tokens of each sequence's source; S is 1 or more. */
  readonly source?: Tensor;
}

/**
 * Applies what comes before the choice, in Hugging Face's order; log-probabilities for beams. Logits:
 * (R, 1, V), in place. What `chooseNext` does besides is left to it. `speech`: where the selection has time stamps.
 */
export function process(
  logits: Tensor,
  selection: Selection,
  state: SelectionTensors,
  speech?: typeof SpeechTokens,
): void {
  const { beams, ruled, scales, renormalizes } = selection;
  const { place, rules } = state;
  if (beams > 1) logSoftmax(logits);
  if (state.sequences !== undefined) {
    applySequenceBias(logits, state, state.sequences, selection.targets);
  }
  if (state.source !== undefined) applyHistory(logits, state, state.source);
  if (selection.byHistory) applyHistory(logits, state);
  if (selection.stamped) {
    if (ruled) applyTokenRules(logits, state, false);
    speech?.applyTimestampRules(logits, state);
    if (scales) applyTokenRules(logits, { place, rules }, true);
  } else if ((ruled && !isPlain(selection)) || scales) {
    applyTokenRules(logits, ruled ? state : { place, rules }, scales);
  }
  for (const by of selection.warps) warp(logits, by, rules);
  if (renormalizes) logSoftmax(logits);
}

/** Writes the best token of each row, or a draw, to `tokens`, (R, 1). */
export function chooseNext(
  logits: Tensor,
  tokens: Tensor,
  selection: Selection,
  { place, rules, flags }: SelectionTensors,
): void {
  const own = selection.ruled && isPlain(selection) ? { place, rules, flags } : { place, rules };
  chooseToken(logits, tokens, own, selection.draws);
}
