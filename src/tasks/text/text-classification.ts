// Labels of whole texts, with a sequence-classification checkpoint.

import { fieldsOf } from '../../runtime/errors.ts';
import { eachText, forwardRows, grouped } from '../batches.ts';
import { type Halved, type Halves, halves } from '../halves.ts';
import { labelOptionKinds, type LabelScore, labelScores } from '../label-scores.ts';
import {
  checkOptions,
  encodeText,
  mostTokens,
  oneOrMany,
  type TaskParts,
  wrongInput,
} from '../task.ts';
import type { Encoding } from '../../tokenizer/template.ts';

/** Two texts that are classified together, such as premise and hypothesis. */
export interface TextPair {
  /** The first text. */
  text: string;
  /** The second one. */
  textPair?: string;
}

/** How texts are classified. */
export interface TextClassificationOptions {
  /** The number of labels to give, the best first; null for all. The best one when absent. */
  topK?: number | null;
  /** From logits to scores; as the checkpoint's problem_type and number of labels say when absent. */
  functionToApply?: 'softmax' | 'sigmoid' | 'none';
  /** Cuts texts that are too long for the model, which are refused otherwise. */
  truncation?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

type Text = string | TextPair;

/** One text gives its labels; several give the best label of each, or with `topK` a list of each. */
export interface TextClassification {
  (input: Text, options?: TextClassificationOptions): Promise<LabelScore[]>;
  (
    inputs: readonly Text[],
    options: TextClassificationOptions & { topK: number | null },
  ): Promise<LabelScore[][]>;
  (
    inputs: readonly Text[],
    options?: TextClassificationOptions & { topK?: undefined },
  ): Promise<LabelScore[]>;
}

const task = 'text-classification';

export function textClassification(
  parts: TaskParts,
): TextClassification & Halved<TextClassificationOptions, Text, Encoding, LabelScore[]> {
  const halved = (options: TextClassificationOptions): Halves<Text, Encoding, LabelScore[]> => {
    checkOptions(task, options, {
      ...labelOptionKinds,
      truncation: 'boolean',
      signal: 'signal',
    });
    const { topK = 1, functionToApply, truncation = false, signal } = options;
    return {
      limit: mostTokens(parts),
      encode: (one) => encodeInput(parts, one, truncation),
      run: async (rows) => {
        const all = await classLogits(parts, rows, task, signal);
        return all.map((logits) => labelScores(parts.model, logits, { topK, functionToApply }));
      },
    };
  };
  const classify = async (
    input: Text | readonly Text[],
    options: TextClassificationOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> => {
    const { encode, run } = halved(options);
    const lists = await oneOrMany(input, async (inputs) =>
      run(await eachText(inputs, options.signal, encode)),
    );
    const isFlat = Array.isArray(input) && options.topK === undefined;
    return isFlat ? (lists as LabelScore[][]).flat() : lists;
  };
  return Object.assign(classify as TextClassification, { [halves]: halved });
}

/** The logits of each row's labels, (labels). */
export async function classLogits(
  parts: TaskParts,
  rows: readonly Encoding[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const { is_encoder_decoder: hasDecoder, eos_token_id: end } = parts.model.config;
  // Those with a decoder want as many end tokens in each sequence of a batch.
  const groupOf = ({ ids }: Encoding): number =>
    hasDecoder === true ? ids.filter((id) => id === end).length : 0;
  const results: Float32Array[] = [];
  for (const places of Object.values(grouped([...rows.keys()], rows, groupOf))) {
    const own = places.flatMap((at) => rows[at] ?? []);
    const logits = await forwardRows(
      parts,
      own,
      { task: name, signal },
      (read) => read('logits').data,
    );
    logits.forEach((row, index) => (results[places[index] ?? 0] = row));
  }
  return results;
}

function encodeInput(parts: TaskParts, input: unknown, truncation: boolean): Encoding {
  const isPlain = typeof input !== 'object' || input === null || Array.isArray(input);
  const fields = isPlain
    ? { text: input }
    : Object.fromEntries(fieldsOf(input, 'The text to classify'));
  const { text, textPair } = fields as { text?: unknown; textPair?: unknown };
  const pair = textPair ?? undefined;
  if (typeof text !== 'string' || (pair !== undefined && typeof pair !== 'string')) {
    throw wrongInput('The text to classify', text, 'a string or { text, textPair }');
  }
  return encodeText(parts, text, pair, truncation ? 'longest' : undefined);
}
