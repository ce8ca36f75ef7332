// What tasks that generate text share: batches, decoding, stop strings, settings of a checkpoint.

import { type GenerateOptions, optionNames, samplingOptions } from '../model/generation/options.ts';
import { snakeCase } from '../model/generation/option-reader.ts';
import { isObject } from '../source/json.ts';
import { refuseUnknown } from '../runtime/errors.ts';
import { inBatches, padRows } from './batches.ts';
import { checkOptions, type TaskModel, type TaskParts, type TextTokenizer } from './task.ts';
import { TextStream } from '../tokenizer/text-stream.ts';

/** A text that a model wrote. */
export interface GeneratedText {
  /** The text, special tokens left out. */
  generatedText: string;
}

/** Options of `generate`, and strings that end a text. */
export interface TextOptions extends Omit<GenerateOptions, 'stopStrings'> {
  /**
   * Ends a text once it contains one of these; the string stays in the text. Those of
   * generation_config.json when absent; null for none.
   */
  stopStrings?: string | readonly string[] | null;
}

/** New tokens at most where neither the call nor the files say how many, as in Hugging Face's tasks. */
const usualTokens = 256;

/** Texts generated side by side; longer lists are taken in parts. */
export const mostRows = 16;

/** A sequence that was generated for a row. */
export interface GeneratedRow {
  readonly ids: readonly number[];
  /** Of each token that was generated; only where they were asked for. */
  readonly logProbs: readonly number[];
}

/**
 * Generates for each row of prompt or source tokens: `numReturnSequences` sequences each, with their
 * log-probabilities where `logProbs` asks for them.
 */
export async function generateRows(
  parts: TaskParts,
  rows: readonly (readonly number[])[],
  { logProbs: isWeighed = false, ...options }: TextOptions & { readonly logProbs?: boolean },
  side: 'left' | 'right',
): Promise<GeneratedRow[][]> {
  const generation = generateOptions(parts, options);
  const lengthOf = (longest: number): GenerateOptions =>
    usualLength(parts, options, side === 'left' ? longest : 1);
  const limits = { tokens: 8192, rows: mostRows, signal: options.signal };
  return inBatches(
    rows.map((ids) => ({ ids })),
    limits,
    async (batch) => {
      const { inputIds, attentionMask } = padRows(parts, batch, side);
      const { sequences, logProbs = [] } = await parts.model.generate(
        { inputIds, attentionMask },
        {
          ...generation,
          ...lengthOf(inputIds[0]?.length ?? 0),
          ...(isWeighed && { logProbs: true }),
        },
      );
      const each = sequences.length / batch.length;
      const all = sequences.map((ids, index) => ({ ids, logProbs: logProbs[index] ?? [] }));
      return batch.map(({ ids: own }, row) =>
        all.slice(row * each, (row + 1) * each).map(({ ids, ...rest }) => ({
          // Without the padding that stands before a prompt.
          ids: side === 'left' ? ids.slice((inputIds[row]?.length ?? 0) - own.length) : ids,
          ...rest,
        })),
      );
    },
  );
}

/** Generates for one row, piece of text by piece; `before` are the tokens that the text goes on from. */
export async function* streamRow(
  parts: TaskParts,
  ids: readonly number[],
  options: TextOptions,
  side: 'left' | 'right',
): AsyncGenerator<string, void, undefined> {
  const before = side === 'left' ? ids : [];
  const { inputIds, attentionMask } = padRows(parts, [{ ids }]);
  const generation = settledOptions(parts, options, before.length || 1);
  const tokens = parts.model.stream({ inputIds, attentionMask }, generation);
  yield* textOf(parts, tokens, before);
}

/** The text of tokens that come one by one, piece by piece; `before` are those that it goes on from. */
export async function* textOf(
  { tokenizer }: GeneratingParts,
  tokens: AsyncIterable<{ tokenIds: number[] }>,
  before: readonly number[] = [],
): AsyncGenerator<string, void, undefined> {
  const pieces = new TextStream(tokenizer, before);
  for await (const { tokenIds } of tokens) {
    const [tokenId] = tokenIds;
    const piece = tokenId === undefined ? '' : pieces.push(tokenId);
    if (piece !== '') yield piece;
  }
  const rest = pieces.end();
  if (rest !== '') yield rest;
}

/** What decides how a task generates. */
export interface GeneratingParts {
  readonly model: Pick<TaskModel, 'generationConfig' | 'maxPositions'>;
  readonly tokenizer: TextTokenizer;
}

/** The options as `generate` takes them, with the usual length where nothing says one. `prompt`: its tokens. */
export function settledOptions(
  parts: GeneratingParts,
  options: TextOptions,
  prompt: number,
): GenerateOptions {
  return { ...generateOptions(parts, options), ...usualLength(parts, options, prompt) };
}

/** Refuses options that neither `generate` nor the task (`own`) knows. */
export function checkTextOptions(
  task: string,
  options: TextOptions,
  own: readonly string[] = [],
): void {
  const known = [...own, 'stopStrings', ...optionNames];
  refuseUnknown(options, known, `option of ${task}`);
}

/** A length where neither the options nor the files say one, as far as positions reach. */
export function usualLength(
  { model: { generationConfig = {}, maxPositions } }: Pick<GeneratingParts, 'model'>,
  { maxNewTokens, maxLength }: Pick<TextOptions, 'maxNewTokens' | 'maxLength'>,
  prompt: number,
): Pick<GenerateOptions, 'maxNewTokens'> {
  const saidNew = maxNewTokens === undefined ? generationConfig['max_new_tokens'] : maxNewTokens;
  const saidAll = maxLength === undefined ? generationConfig['max_length'] : maxLength;
  // The last token takes no position. A prompt that fills them all is refused by the model.
  const room = maxPositions + 1 - prompt;
  if ((saidNew ?? saidAll ?? undefined) !== undefined || room < 1) return {};
  return { maxNewTokens: Math.min(usualTokens, room) };
}

/** The options as `generate` takes them; it checks their values. */
function generateOptions(
  { model, tokenizer }: GeneratingParts,
  { stopStrings: asked, ...generation }: TextOptions,
): GenerateOptions {
  const inFile = [model.generationConfig?.['stop_strings'] ?? []].flat();
  // The model alone refuses those of the file, as it knows no texts.
  const taken = inFile.length > 0 ? { ...generation, stopStrings: null } : generation;
  const stopStrings = asked === undefined && inFile.length > 0 ? inFile : asked;
  if (stopStrings === undefined || stopStrings === null) return taken;
  checkOptions('generation', { stopStrings }, { stopStrings: 'texts' });
  const { stoppingCriteria } = generation;
  const stops = [stopStrings].flat().map(String);
  return {
    ...taken,
    stoppingCriteria: (sequences) => {
      const ended = stoppingCriteria?.(sequences) ?? [];
      return sequences.map(
        (ids, row) => ended[row] === true || endsWithStop(tokenizer, ids, stops),
      );
    },
  };
}

/** True when the last token completes one of the strings. */
export function endsWithStop(
  tokenizer: Pick<TextTokenizer, 'decode'>,
  ids: readonly number[],
  stops: readonly string[],
): boolean {
  return stops.some((stop) => {
    // A token holds a byte at least, and a UTF-16 unit is three bytes of UTF-8 at most.
    const tail = ids.slice(-3 * stop.length - 1);
    const end = tokenizer.decode(tail).lastIndexOf(stop) + stop.length;
    return end >= stop.length && end > tokenizer.decode(tail.slice(0, -1)).length;
  });
}

/** What `task_specific_params` of config.json says of a task: a prefix, and options of `generate`. */
export function taskSettings(
  { config }: TaskModel,
  task: string,
): { prefix: string | undefined; options: GenerateOptions } {
  const all = config['task_specific_params'];
  const found = isObject(all) ? all[task] : undefined;
  const { prefix = config['prefix'], ...rest } = isObject(found) ? found : {};
  const options = Object.fromEntries(
    optionNames.flatMap((name) => {
      const value = rest[snakeCase(name)] ?? undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return { prefix: typeof prefix === 'string' ? prefix : undefined, options };
}

/**
 * A call's options over the checkpoint's for the task. A number of new tokens replaces a length, and
 * what counts for beams or draws alone is left out where the call has none.
 */
export function withSettings(settings: GenerateOptions, options: TextOptions): TextOptions {
  const { maxNewTokens, numBeams = settings.numBeams, doSample = settings.doSample } = options;
  const idle = new Set<string>([
    ...(maxNewTokens === undefined ? [] : ['maxLength']),
    ...(numBeams === 1 ? ['lengthPenalty', 'earlyStopping'] : []),
    ...(doSample === false ? samplingOptions : []),
  ]);
  const rest = Object.entries(settings).filter(([name]) => !idle.has(name));
  return { ...Object.fromEntries(rest), ...options };
}

/** T5 and its kin learn tasks by a prefix of the text (Raffel et al. 2019, arXiv 1910.10683). */
export function readsPrefixes({ config }: TaskModel): boolean {
  return /t5/.test(String(config['model_type']));
}
