// Documents in the order in which they answer a query, with a cross-encoder: a checkpoint that reads
// query and document together and gives one label (Nogueira & Cho 2019, arXiv 1901.04085).

import { TransformerError } from '../../runtime/errors.ts';
import { isObject, show } from '../../source/json.ts';
import { readJson, type Source } from '../../source/source.ts';
import { activationNames, activationOf } from './activations.ts';
import { eachText } from '../batches.ts';
import { greatest, sigmoid } from '../scores.ts';
import { lowerCase, readSentenceSettings, unsupported } from './sentence-settings.ts';
import {
  checkOptions,
  checkText,
  encodeText,
  listOf,
  mostTokens,
  type TaskModel,
  type TaskParts,
  wrongInput,
} from '../task.ts';
import { classLogits } from './text-classification.ts';

export interface TextRankingOptions {
  /** The number of documents to give; all when absent. */
  topK?: number;
  /** From logit to score; as the checkpoint says, else the sigmoid, when absent. */
  functionToApply?: 'sigmoid' | 'none';
  signal?: AbortSignal;
}

/** A document's place in the list given, its score and its text. */
export interface RankedDocument {
  corpusId: number;
  score: number;
  text: string;
}

export interface TextRanking {
  /** The documents with their scores, the best first. Long documents are cut. */
  (
    query: string,
    documents: readonly string[],
    options?: TextRankingOptions,
  ): Promise<RankedDocument[]>;
}

const task = 'text-ranking';

/** From a logit to a score, and tokens of query and document at most. */
interface RankingSettings {
  readonly activation: (logit: number) => number;
  readonly maxLength?: number | undefined;
  readonly lowerCase?: boolean;
}

/** The task for a checkpoint, with what sentence-transformers notes beside it. Errors: MODEL_UNSUPPORTED */
export async function rankingOf(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => TextRanking> {
  const list = await readJson(files, 'modules.json', { signal });
  for (const { type } of (Array.isArray(list) ? list : []).filter(isObject)) {
    if (String(type).endsWith('.Transformer')) continue;
    throw unsupported(files, `modules.json names the module ${show(type)}`);
  }
  const settings = await readSentenceSettings(files, 'sequence-classification', signal);
  const { general, promptName, maxLength, lowerCase: isLower } = settings;
  if ((settings.prompts[promptName ?? ''] ?? '') !== '') {
    throw unsupported(files, `default_prompt_name is ${show(promptName)}`);
  }
  return (parts) => {
    const activation = activationFor(parts.model, general['activation_fn']);
    return textRanking(parts, { activation, maxLength, lowerCase: isLower });
  };
}

export function textRanking(
  parts: TaskParts,
  settings: RankingSettings = { activation: activationFor(parts.model) },
): TextRanking {
  const { activation, maxLength = mostTokens(parts), lowerCase: isLower = false } = settings;
  const most = Math.min(maxLength, parts.model.maxPositions);
  const read = (text: string): string => (isLower ? lowerCase(text) : text);
  return async (query, documents, options = {}) => {
    const functions = ['sigmoid', 'none'];
    checkOptions(task, options, { topK: 'count', functionToApply: functions, signal: 'signal' });
    const given: unknown = documents;
    if (!Array.isArray(given)) {
      throw wrongInput('The list of documents', documents, 'an array of strings');
    }
    const { topK = documents.length, functionToApply: wanted, signal } = options;
    const asked = read(checkText('The query', query));
    const rows = await eachText(listOf(documents), signal, (text) =>
      encodeText(parts, asked, read(checkText('A document', text)), 'longest', most),
    );
    const logits = await classLogits(parts, rows, task, signal);
    const scores = logits.map((row) => {
      if (row.length !== 1) throw tooManyLabels(row.length);
      const [logit = 0] = row;
      if (wanted === undefined) return activation(logit);
      return wanted === 'sigmoid' ? sigmoid(logit) : logit;
    });
    return greatest(scores, topK).map((corpusId) => ({
      corpusId,
      score: scores[corpusId] ?? 0,
      text: documents[corpusId] ?? '',
    }));
  };
}

/**
 * The function that sentence-transformers has noted: in its own file, else in config.json; without
 * a note the sigmoid, for one label. Errors: MODEL_UNSUPPORTED.
 */
function activationFor({ config }: TaskModel, noted?: unknown): (logit: number) => number {
  const { sentence_transformers: section, sbert_ce_default_activation_function: old } = config;
  const own = isObject(section) ? section['activation_fn'] : undefined;
  const name = noted ?? own ?? old ?? 'torch.nn.Sigmoid';
  const activation = activationOf(name);
  if (activation !== undefined) return activation;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `This checkpoint wants the activation ${show(name)} for scores; those of torch.nn are ` +
      `supported that are ${activationNames.join(', ')}.`,
  );
}

function tooManyLabels(count: number): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${task} reads one score a document, but this checkpoint gives ${count} labels. ` +
      'Use text-classification, or load a cross-encoder with one label.',
  );
}
