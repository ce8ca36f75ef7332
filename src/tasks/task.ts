// What a task needs of a loaded checkpoint, and how it takes its options and inputs.

import type { ImageProcessor } from '../images/image-processor.ts';
import type { GenerateOptions } from '../model/generation/options.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { type JsonObject, show } from '../source/json.ts';
import type { GenerateResult } from '../model/model.ts';
import { isSignal, nearestName, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Encoding, WindowOptions } from '../tokenizer/template.ts';

type Rows = readonly (readonly number[])[];

export interface TaskInputs {
  inputIds: Rows;
  attentionMask: Rows;
  tokenTypeIds?: Rows;
  positionIds?: Rows;
}

/** What images become, with texts where a model compares both. */
export interface ImageTaskInputs extends Partial<TaskInputs> {
  pixelValues: DenseTensor;
  /** Texts that were read before. */
  textEmbeds?: DenseTensor;
}

/** The outputs of `forward` that tasks read. */
export interface TaskOutput {
  readonly logits?: DenseTensor;
  readonly lastHiddenState?: DenseTensor;
  readonly startLogits?: DenseTensor;
  readonly endLogits?: DenseTensor;
  readonly predBoxes?: DenseTensor;
  readonly poolerOutput?: DenseTensor;
  readonly logitsPerImage?: DenseTensor;
  readonly logitsPerText?: DenseTensor;
  readonly imageEmbeds?: DenseTensor;
  readonly textEmbeds?: DenseTensor;
}

/** The part of `Model` that tasks use. */
export interface TaskModel {
  readonly config: JsonObject;
  /** Settings of generation in the checkpoint's files. */
  readonly generationConfig?: JsonObject;
  /** Tokens of a sequence at most; Infinity where there is no limit. */
  readonly maxPositions: number;
  forward(
    inputs: TaskInputs,
    options?: { logitsToKeep?: number; signal?: AbortSignal },
  ): Promise<TaskOutput>;
  generate(inputs: TaskInputs, options?: GenerateOptions): Promise<GenerateResult>;
  stream(inputs: TaskInputs, options?: GenerateOptions): AsyncGenerator<{ tokenIds: number[] }>;
}

/** The part of `Tokenizer` that tasks use. */
export type TextTokenizer = Pick<
  Tokenizer,
  | 'applyChatTemplate'
  | 'bosToken'
  | 'clsToken'
  | 'decode'
  | 'decodeCertain'
  | 'encode'
  | 'encoding'
  | 'encodingCut'
  | 'encodingWindows'
  | 'maskToken'
  | 'maxLength'
  | 'modelInputNames'
  | 'paddingSide'
  | 'padToken'
  | 'tokens'
  | 'unkToken'
  | 'vocabulary'
>;

/** What makes tokens of texts. */
export interface TextParts {
  readonly model: Pick<TaskModel, 'config' | 'maxPositions'>;
  readonly tokenizer: TextTokenizer;
}

/** A loaded checkpoint, from which a task is made. */
export interface TaskParts extends TextParts {
  readonly model: TaskModel;
}

/** The same for images. */
export interface ImageTaskParts {
  readonly model: Pick<TaskModel, 'config'> & {
    readonly gpu: Gpu;
    forward(inputs: ImageTaskInputs, options?: { signal?: AbortSignal }): Promise<TaskOutput>;
  };
  readonly imageProcessor: Pick<ImageProcessor, 'pixelValues' | 'sizeOf'>;
}

/** What a value may be: one of these words, or what `wanted` says of a name. */
type Kind =
  | readonly string[]
  | 'boolean'
  | 'count'
  | 'countOrAll'
  | 'whole'
  | 'share'
  | 'text'
  | 'texts'
  | 'list'
  | 'signal';

const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least;
const isText = (value: unknown): value is string => typeof value === 'string';
const isList = (value: unknown): value is string[] => isListOf(value, isText);

const wanted: Readonly<
  Record<Exclude<Kind, readonly string[]>, readonly [string, (value: unknown) => boolean]>
> = {
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  count: ['a whole number of at least 1', (value) => isWhole(value, 1)],
  countOrAll: ['a whole number of at least 1, or null for all', (value) => isWhole(value ?? 1, 1)],
  whole: ['a whole number of at least 0', (value) => isWhole(value, 0)],
  share: ['a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1],
  text: ['a string', isText],
  texts: [
    'a string or a non-empty array of strings',
    (value) => isText(value) || (isList(value) && value.length > 0),
  ],
  list: ['an array of strings', isList],
  signal: ['an AbortSignal', isSignal],
};

/** Refuses options that are unknown (OPTION_UNKNOWN) or have a wrong value (OPTION_INVALID). */
export function checkOptions<Options extends object>(
  task: string,
  options: Options,
  kinds: Readonly<Record<keyof Options, Kind>>,
): void {
  const known = kinds as Readonly<Record<string, Kind>>;
  refuseUnknown(options, Object.keys(known), `option of ${task}`);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) checkOption(name, value, known[name] ?? 'text');
  }
}

function checkOption(name: string, value: unknown, kind: Kind): void {
  if (typeof kind === 'string') {
    const [what, fits] = wanted[kind];
    if (fits(value)) return;
    throw new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${what}.`);
  }
  if (typeof value === 'string' && kind.includes(value)) return;
  throw notAmong(name, value, kind);
}

/** The error of a value that is none of a list, with the nearest one. */
export function notAmong(name: string, value: unknown, known: readonly string[]): TransformerError {
  const nearest = typeof value === 'string' ? nearestName(value, known) : undefined;
  return new TransformerError(
    'OPTION_INVALID',
    `${name} is ${value === undefined ? 'missing' : show(value)}; wanted one of ` +
      `${known.join(', ')}.${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}`,
  );
}

/** The error of an input of the wrong form. */
export function wrongInput(what: string, value: unknown, form: string): TransformerError {
  const got = (value ?? undefined) === undefined ? 'missing or null' : `of type ${typeof value}`;
  return new TransformerError('INPUT_INVALID', `${what} is ${got}; wanted ${form}.`);
}

/** A text as it is. Errors: INPUT_INVALID, with `what` as its name. */
export function checkText(what: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw wrongInput(what, value, 'a string');
}

/** One input or several, as a list without holes: what is missing is undefined. */
export function listOf<Input>(input: Input | readonly Input[]): Input[] {
  return Array.isArray(input) ? Array.from(input as readonly Input[]) : [input as Input];
}

/** Works on one input or on several: one input gets its one result, an array gets an array. */
export async function oneOrMany<Input, Result>(
  input: Input | readonly Input[],
  work: (inputs: readonly Input[]) => Promise<Result[]>,
): Promise<Result | Result[]> {
  if (Array.isArray(input)) return work(listOf(input as readonly Input[]));
  const [result] = await work([input as Input]);
  return result as Result;
}

/** The most tokens that model and tokenizer allow in a sequence. */
export function mostTokens({ model, tokenizer }: TextParts): number {
  return Math.min(model.maxPositions, tokenizer.maxLength ?? Infinity);
}

/**
 * A text or a pair of texts as tokens, cut to `maxLength` tokens where that is asked for. Errors:
 * INPUT_INVALID for a text that is not cut and far too long for the model, which alone refuses others.
 */
export function encodeText(
  parts: TextParts,
  text: string,
  pair: string | undefined,
  truncate?: WindowOptions['truncate'],
  maxLength: number = mostTokens(parts),
): Encoding {
  return truncate === undefined || maxLength === Infinity
    ? encodeWhole(parts, text, pair)
    : parts.tokenizer.encodingCut(text, pair, { maxLength, truncate });
}

/** A whole text as tokens. Of one that is far too long for the model, the rest is not looked at. */
export function encodeWhole(
  { model: { maxPositions }, tokenizer }: TextParts,
  text: string,
  pair?: string,
  addSpecialTokens = true,
): Encoding {
  const most = 4 * maxPositions + 64;
  const encoding = tokenizer.encoding(text, pair, { addSpecialTokens, maxLength: most });
  if (encoding.ids.length < most) return encoding;
  throw new TransformerError(
    'INPUT_INVALID',
    `The text has ${most} tokens and more; this model has ${maxPositions} positions. Shorten it.`,
  );
}

/**
 * What label `index` is called: `id2label` of config.json, an object or a list. Names that are no texts
 * read as Python prints them. `num_labels` makes other names void if it counts other labels.
 */
export function labelName({ config }: Pick<TaskModel, 'config'>, index: number): string {
  const { id2label: given, num_labels: count } = config;
  const names = (typeof given === 'object' ? (given ?? {}) : {}) as JsonObject;
  const isVoid = typeof count === 'number' && count !== Object.keys(names).length;
  const name = isVoid ? undefined : names[index];
  return name === undefined ? `LABEL_${index}` : pythonText(name);
}

function pythonText(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : show(value);
}
