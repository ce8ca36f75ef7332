// Documents in the order in which they answer a query, with a cross-encoder: a checkpoint that reads
// query and document together and gives one label (Nogueira & Cho 2019, arXiv 1901.04085).

import { TransformerError } from '../runtime/errors.ts';
import { isObject, show } from '../source/json.ts';
import { greatest, sigmoid } from './scores.ts';
import { checkOptions, checkText, encodeText, type TaskModel, type TaskParts } from './task.ts';
import { classLogits } from './text-classification.ts';

export interface TextRankingOptions {
  /** The number of documents to give; all when absent. */
  topK?: number;
  /** From logit to score; as the checkpoint says, else `sigmoid`, when absent. */
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

export function textRanking(parts: TaskParts): TextRanking {
  const usual = usualFunction(parts.model);
  return async (query, documents, options = {}) => {
    const functions = ['sigmoid', 'none'];
    checkOptions(task, options, { topK: 'count', functionToApply: functions, signal: 'signal' });
    const { topK = documents.length, functionToApply = usual, signal } = options;
    checkText('The query', query);
    const rows = documents.map((text) =>
      encodeText(parts, query, checkText('A document', text), 'longest'),
    );
    const logits = await classLogits(parts, rows, task, signal);
    const scores = logits.map((row) => {
      if (row.length !== 1) throw tooManyLabels(row.length);
      const [logit = 0] = row;
      return functionToApply === 'sigmoid' ? sigmoid(logit) : logit;
    });
    return greatest(scores, topK).map((corpusId) => ({
      corpusId,
      score: scores[corpusId] ?? 0,
      text: documents[corpusId] ?? '',
    }));
  };
}

/** The function that sentence-transformers has noted in config.json. Errors: MODEL_UNSUPPORTED. */
function usualFunction({ config }: TaskModel): 'sigmoid' | 'none' {
  const { sentence_transformers: section, sbert_ce_default_activation_function: old } = config;
  const name = (isObject(section) ? section['activation_fn'] : undefined) ?? old ?? 'Sigmoid';
  if (typeof name === 'string' && name.endsWith('Sigmoid')) return 'sigmoid';
  if (typeof name === 'string' && name.endsWith('Identity')) return 'none';
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `config.json wants the activation ${show(name)} for scores; Sigmoid and Identity are supported.`,
  );
}

function tooManyLabels(count: number): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${task} reads one score a document, but this checkpoint gives ${count} labels. ` +
      'Use text-classification, or load a cross-encoder with one label.',
  );
}
