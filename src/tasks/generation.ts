// What tasks that generate text share: batches, decoding, stop strings, settings of a checkpoint.

import { type GenerateOptions, optionNames } from '../model/generation-options.ts';
import { isObject } from '../source/json.ts';
import { refuseUnknown } from '../runtime/errors.ts';
import { inBatches, padRows } from './batches.ts';
import { checkOptions, type TaskModel, type TaskParts, type TextTokenizer } from './task.ts';
import { TextStream } from './text-stream.ts';

/** Options of `generate`, and strings that end a text. */
export interface TextOptions extends GenerateOptions {
  /** Ends a text once it contains one of these; the string stays in the text. */
  stopStrings?: string | readonly string[];
}

/** Texts generated side by side; longer lists are taken in parts. */
const mostRows = 16;

/** Generates for each row of prompt or source tokens: `numReturnSequences` sequences of ids each. */
export async function generateRows(
  parts: TaskParts,
  rows: readonly (readonly number[])[],
  options: TextOptions,
  side: 'left' | 'right',
): Promise<number[][][]> {
  const generation = generateOptions(parts, options);
  const limits = { tokens: 8192, rows: mostRows, signal: options.signal };
  return inBatches(
    rows.map((ids) => ({ ids })),
    limits,
    async (batch) => {
      const { inputIds, attentionMask } = padRows(parts, batch, side);
      const { sequences } = await parts.model.generate({ inputIds, attentionMask }, generation);
      const each = sequences.length / batch.length;
      return batch.map(({ ids }, row) =>
        sequences.slice(row * each, (row + 1) * each).map((sequence) =>
          // Without the padding that stands before a prompt.
          side === 'left' ? sequence.slice((inputIds[row]?.length ?? 0) - ids.length) : sequence,
        ),
      );
    },
  );
}

/** Generates for one row, piece of text by piece. */
export async function* streamRow(
  parts: TaskParts,
  ids: readonly number[],
  options: TextOptions,
): AsyncGenerator<string, void, undefined> {
  const pieces = new TextStream(parts.tokenizer);
  const { inputIds, attentionMask } = padRows(parts, [{ ids }]);
  const generation = generateOptions(parts, options);
  for await (const { tokenIds } of parts.model.stream({ inputIds, attentionMask }, generation)) {
    const [tokenId] = tokenIds;
    const piece = tokenId === undefined ? '' : pieces.push(tokenId);
    if (piece !== '') yield piece;
  }
  const rest = pieces.end();
  if (rest !== '') yield rest;
}

/** Refuses options that neither `generate` nor the task (`own`) knows. */
export function checkTextOptions(task: string, options: TextOptions, own: string[] = []): void {
  const known = [...own, 'stopStrings', ...optionNames];
  refuseUnknown(options, known, `option of ${task}`);
}

/** The options as `generate` takes them; it checks their values. */
function generateOptions({ tokenizer }: TaskParts, options: TextOptions): GenerateOptions {
  const { stopStrings, ...generation } = options;
  if (stopStrings === undefined) return generation;
  checkOptions('generation', { stopStrings }, { stopStrings: 'texts' });
  const { stoppingCriteria } = generation;
  const stops = [stopStrings].flat();
  return {
    ...generation,
    stoppingCriteria: (sequences) => {
      const others = stoppingCriteria?.(sequences) ?? [];
      return sequences.map(
        (ids, row) => others[row] === true || endsWithStop(tokenizer, ids, stops),
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
  const camelCase = (name: string): string =>
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const options = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [camelCase(name), value]),
  );
  return { prefix: typeof prefix === 'string' ? prefix : undefined, options };
}

/** A call's options over the checkpoint's for the task. A number of new tokens replaces a length. */
export function withSettings(settings: GenerateOptions, options: TextOptions): TextOptions {
  const { maxLength, ...rest } = settings;
  const { maxNewTokens } = options;
  return {
    ...rest,
    ...(maxLength !== undefined && maxNewTokens === undefined && { maxLength }),
    ...options,
  };
}

/** T5 and its kin learn tasks by a prefix of the text (Raffel et al. 2019, arXiv 1910.10683). */
export function readsPrefixes({ config }: TaskModel): boolean {
  return /t5/.test(String(config['model_type']));
}
