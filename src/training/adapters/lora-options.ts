// The settings of low-rank adapters, and what files say of where one comes from.

import { fieldsOf, isA, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { checkPatterns, checkPositive, checkRange, checkSwitch, invalidOption } from '../check.ts';
import { type AdaptiveOptions, type CheckedAdaptive, checkAdaptive } from './adaptive-ranks.ts';
import { type NamePattern, testOf } from '../trainable.ts';

/** Which layers get adapters, and of which size. */
export interface LoraOptions {
  /** r of the paper: rows of A, columns of B; 8 by default. */
  rank?: number;
  /** α of the paper, which scales the update by α / r; the rank by default, so that it is not scaled. */
  alpha?: number;
  /**
   * The linear layers and embeddings of tokens to adapt, by the names of their weights without `.weight`; `*` stands for
   * any run of characters. By default what makes queries and values, as the paper adapts W_q and W_v (§7.1): `q_proj`
   * and `v_proj`, or what a family calls them, with the keys where they are one layer.
   */
  targets?: NamePattern | readonly NamePattern[];
  /**
   * The experts to adapt, by the names of the parameters that hold a matrix of each in the model's class, as PEFT's
   * `target_parameters`: `*.experts.gate_up_proj`, `*.experts.down_proj`. Where they are given, `targets` are none by default.
   */
  targetParameters?: NamePattern | readonly NamePattern[];
  /** Ranks of layers that have their own, by names as in `targets`; the first that fits counts. */
  rankPattern?: Readonly<Record<string, number>>;
  /** The same for α. */
  alphaPattern?: Readonly<Record<string, number>>;
  /** Scales by α / √r, which lets higher ranks learn (rsLoRA: Kalajdzievski 2023, arXiv 2312.03732); false by default. */
  rsLora?: boolean;
  /**
   * Trains the lengths of the rows of W + ΔW beside their directions (DoRA: Liu et al. 2024, arXiv 2402.09353); false
   * by default.
   */
  dora?: boolean;
  /**
   * Has layers give up ranks that count little as training goes (AdaLoRA: Zhang et al. 2023, arXiv 2303.10512): the
   * update is a product of singular vectors and values, `rank` of them at first, 12 by default; all layers share what
   * is left of them.
   */
  adaptive?: AdaptiveOptions;
  /** Part of the inputs of A that is dropped while it trains; 0 by default. */
  dropout?: number;
  /**
   * Modules that train whole, on from the values that the model has: a new `classifier`, say. Names as in `targets`,
   * of layers or of what holds several.
   */
  modulesToSave?: NamePattern | readonly NamePattern[];
  /** Draws A; 0 by default. */
  seed?: number;
}

/** How large updates are. */
export interface LoraSizes {
  readonly rank: number;
  readonly alpha: number;
  readonly rsLora: boolean;
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
  readonly adaptive: CheckedAdaptive | undefined;
}

export interface CheckedLoraOptions extends LoraSizes {
  readonly dora: boolean;
  readonly dropout: number;
  readonly seed: number;
  readonly patterns: readonly NamePattern[] | undefined;
  readonly whole: readonly NamePattern[];
  readonly parameters: readonly NamePattern[];
}

const known: Readonly<Record<keyof LoraOptions, true>> = {
  rank: true,
  alpha: true,
  targets: true,
  targetParameters: true,
  rankPattern: true,
  alphaPattern: true,
  rsLora: true,
  dora: true,
  adaptive: true,
  dropout: true,
  modulesToSave: true,
  seed: true,
};

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkLoraOptions(options: LoraOptions): CheckedLoraOptions {
  refuseUnknown(options, Object.keys(known), 'option of Lora');
  const { adaptive, rank = adaptive === undefined ? 8 : 12, alpha = rank } = options;
  const { targets, targetParameters = [], seed = 0 } = options;
  const { rankPattern = {}, alphaPattern = {}, rsLora = false, dropout = 0 } = options;
  const { modulesToSave = [], dora = false } = options;
  checkRank('rank', rank);
  checkPositive('alpha', alpha);
  checkEach('rankPattern', rankPattern, checkRank);
  checkEach('alphaPattern', alphaPattern, checkPositive);
  checkSwitch('rsLora', rsLora);
  checkSwitch('dora', dora);
  checkRange('dropout', dropout, 0, 1);
  if (!Number.isSafeInteger(seed)) throw invalidOption('seed', seed, 'a whole number');
  const parameters = patternsIn('targetParameters', targetParameters);
  const usual = parameters.length > 0 ? [] : undefined;
  const patterns = targets === undefined ? usual : patternsIn('targets', targets);
  if (patterns?.length === 0 && parameters.length === 0) {
    throw invalidOption('targets', targets, 'at least one name');
  }
  if (parameters.length > 0) expectPlainExperts({ dropout, dora, adaptive });
  const whole = patternsIn('modulesToSave', modulesToSave);
  const sizes = { rank, alpha, rankPattern, alphaPattern, rsLora, dora };
  if (adaptive !== undefined) expectEven(sizes);
  const checked = adaptive === undefined ? undefined : checkAdaptive(adaptive, rank);
  return { ...sizes, adaptive: checked, dropout, seed, patterns, whole, parameters };
}

/** Refuses what does not go with ranks that are shared. @throws TransformerError OPTION_INVALID */
function expectEven({
  rankPattern,
  alphaPattern,
  ...others
}: Omit<LoraSizes, 'adaptive'> & { dora: boolean }): void {
  const isSet = {
    rankPattern: Object.keys(rankPattern).length > 0,
    alphaPattern: Object.keys(alphaPattern).length > 0,
    rsLora: others.rsLora,
    dora: others.dora,
  };
  const [name] = Object.entries(isSet).find(([, set]) => set) ?? [];
  if (name === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} and adaptive do not go together: all layers begin with one rank and one scale. Leave one out.`,
  );
}

/** Refuses what experts have no meaning for, as PEFT does. @throws TransformerError OPTION_INVALID */
function expectPlainExperts(
  others: Readonly<Record<'dropout' | 'dora' | 'adaptive', unknown>>,
): void {
  const [name] = Object.entries(others).find(([, value]) => Boolean(value)) ?? [];
  if (name === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} and targetParameters do not go together: updates of experts are plain low-rank ones. Leave one out.`,
  );
}

/** One pattern or several. */
function patternsIn(
  name: string,
  given: NamePattern | readonly NamePattern[],
): readonly NamePattern[] {
  const isOne = typeof given === 'string' || isA(given, RegExp);
  const patterns: readonly NamePattern[] = isOne ? [given] : given;
  if (!Array.isArray(given) && !isOne) throw invalidOption(name, given, 'at least one name');
  checkPatterns(name, patterns);
  return patterns;
}

function checkRank(name: string, rank: unknown): void {
  if (!Number.isSafeInteger(rank) || Number(rank) < 1)
    throw invalidOption(name, rank, 'a whole number from 1');
}

/** Numbers by patterns. */
function checkEach(
  name: string,
  values: unknown,
  check: (name: string, value: unknown) => void,
): void {
  for (const [pattern, value] of fieldsOf(values, `The object of ${name}`)) {
    check(`${name}["${pattern}"]`, value);
  }
}

/** How large the update of a layer is, and what it is scaled by. */
export interface LayerSize {
  readonly rank: number;
  readonly alpha: number;
  /** α / r, or α / √r */
  readonly scale: number;
  /** Whether singular values stand between B and A. */
  readonly isAdaptive: boolean;
}

/** The size of the update of the layer `name`. */
export function sizeOf(name: string, sizes: LoraSizes): LayerSize {
  const own = (values: Readonly<Record<string, number>>): number | undefined =>
    Object.entries(values).find(([pattern]) => testOf(pattern)(name))?.[1];
  const rank = own(sizes.rankPattern) ?? sizes.rank;
  const alpha = own(sizes.alphaPattern) ?? sizes.alpha;
  const isAdaptive = sizes.adaptive !== undefined;
  // PEFT adds that little, so that ranks may come to 0.
  const divisor = isAdaptive ? rank + 1e-5 : sizes.rsLora ? Math.sqrt(rank) : rank;
  return { rank, alpha, scale: alpha / divisor, isAdaptive };
}

/** Refuses what says nothing of an origin. @throws TransformerError OPTION_INVALID */
export function checkOrigin(origin: unknown): void {
  const names = Object.fromEntries(fieldsOf(origin, 'The origin'));
  for (const name of [names['baseModel'], names['taskType']]) {
    if (typeof name === 'string' || name === null) continue;
    throw invalidOption('origin', origin, '{ baseModel, taskType }');
  }
}
