// Documents in the order in which they answer a query, with a cross-encoder: a checkpoint that reads
// query and document together and gives one label (Nogueira & Cho 2019, arXiv 1901.04085), or a language model
// that is asked (see causal-ranking.ts).

import { TransformerError } from '../../runtime/errors.ts';
import { isLanguageModel, unsupported } from '../../model/sentence-modules.ts';
import { isObject, show } from '../../source/json.ts';
import { readJson, type Source } from '../../source/source.ts';
import { activationNames, activationOf } from './activations.ts';
import { eachText } from '../batches.ts';
import { greatest, sigmoid } from '../scores.ts';
import { lowerCase, promptOf, type Prompts, readSentenceSettings } from './sentence-settings.ts';
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

/** How documents are ranked. */
export interface TextRankingOptions {
  /** The number of documents to give; all when absent. */
  topK?: number;
  /** From logit to score; as the checkpoint says, else the sigmoid, when absent. */
  functionToApply?: 'sigmoid' | 'none';
  /** What stands before the query of a classifier; what a language model is told to judge by. */
  prompt?: string;
  /** A prompt of the checkpoint by its name. */
  promptName?: string;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** A document's place in the list given, its score and its text. */
export interface RankedDocument {
  /** Its place in the list that was given. */
  corpusId: number;
  /** How well it fits the query: greater is better. */
  score: number;
  /** The document itself. */
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

/** How well documents answer a query, before the activation. `most`: tokens of query and document together. */
export type Scorer = (
  prompt: string,
  query: string,
  documents: readonly string[],
  limits: { readonly most: number; readonly signal: AbortSignal | undefined },
) => Promise<number[]>;

/** From a logit to a score, and what texts are read as. */
interface RankingSettings {
  readonly activation: (logit: number) => number;
  readonly scorer: Scorer;
  readonly maxLength?: number | undefined;
  readonly lowerCase?: boolean;
  readonly prompts?: Prompts;
}

/** The task for a checkpoint, with what sentence-transformers notes beside it. Errors: MODEL_UNSUPPORTED */
export async function rankingOf(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => TextRanking> {
  const [list, config] = await Promise.all([
    readJson(files, 'modules.json', { signal }),
    readJson(files, 'config.json', { signal }),
  ]);
  let module: string | undefined;
  for (const { type, path } of (Array.isArray(list) ? list : []).filter(isObject)) {
    if (String(type).endsWith('.LogitScore')) module = String(path);
    else if (!String(type).endsWith('.Transformer')) {
      throw unsupported(files, `modules.json names the module ${show(type)}`);
    }
  }
  const isAsked = isLanguageModel(config);
  const made = isAsked ? 'text-generation' : 'sequence-classification';
  const settings = await readSentenceSettings(files, made, signal);
  const { general, maxLength, lowerCase: isLower } = settings;
  let scorerOf = classScorer;
  if (isAsked) {
    const { causalScorer } = await import('./causal-ranking.ts');
    scorerOf = await causalScorer(files, settings, module, signal);
  }
  return (parts) => {
    const activation = activationFor(parts.model, general['activation_fn']);
    const scorer = scorerOf(parts);
    return textRanking(parts, {
      activation,
      scorer,
      maxLength,
      lowerCase: isLower,
      prompts: settings,
    });
  };
}

/** The task for a classifier with one label, of which nothing is noted. */
export function textRanking(
  parts: TaskParts,
  settings: RankingSettings = {
    activation: activationFor(parts.model),
    scorer: classScorer(parts),
  },
): TextRanking {
  const {
    activation,
    scorer,
    maxLength = mostTokens(parts),
    lowerCase: isLower = false,
  } = settings;
  const { prompts = { prompts: {}, promptName: undefined } } = settings;
  const most = Math.min(maxLength, parts.model.maxPositions);
  const read = (text: string): string => (isLower ? lowerCase(text) : text);
  return async (query, documents, options = {}) => {
    const functions = ['sigmoid', 'none'];
    checkOptions(task, options, {
      topK: 'count',
      functionToApply: functions,
      prompt: 'text',
      promptName: 'text',
      signal: 'signal',
    });
    const given: unknown = documents;
    if (!Array.isArray(given)) {
      throw wrongInput('The list of documents', documents, 'an array of strings');
    }
    const { topK = documents.length, functionToApply: wanted, signal } = options;
    const asked = read(checkText('The query', query));
    const texts = listOf(documents).map((text) => read(checkText('A document', text)));
    const logits = await scorer(read(promptOf(prompts, options)), asked, texts, { most, signal });
    const scores = logits.map((logit) => {
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

/** Scores by a classifier that reads query and document together. */
function classScorer(parts: TaskParts): Scorer {
  return async (prompt, query, documents, { most, signal }) => {
    const rows = await eachText(documents, signal, (document) =>
      encodeText(parts, prompt + query, document, 'longest', most),
    );
    const logits = await classLogits(parts, rows, task, signal);
    return logits.map((row) => {
      if (row.length !== 1) throw tooManyLabels(row.length);
      return row[0] ?? 0;
    });
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
