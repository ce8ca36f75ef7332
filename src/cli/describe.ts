// What config.json says of a checkpoint, in words and numbers for people.

import { isObject, type JsonObject } from '../source/json.ts';
import { tasksOf } from '../tasks/task-table.ts';

/** What a class computes from the last states: "sequence classification", say; null if unknown. */
export function headOf(architecture: string | null): string | null {
  if (architecture === null) return null;
  const [, name] = /For([A-Z]\w*)$/.exec(architecture) ?? [];
  if (name !== undefined) {
    const words = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
    return words.replace(/\blm\b/, 'language model');
  }
  return /LMHeadModel$|MTModel$/.test(architecture) ? 'language model' : 'none';
}

/** The labels of a classifier or a detector, in their order; none for other heads. */
export function labelsOf({ id2label }: JsonObject, architecture: string | null): string[] {
  if (!/(Classification|ObjectDetection)$/.test(architecture ?? '')) return [];
  return isObject(id2label) ? Object.values(id2label).map(String) : ['LABEL_0', 'LABEL_1'];
}

/** The tasks that a checkpoint fits by its head and labels. */
export async function tasksFor(config: JsonObject, architecture: string | null): Promise<string[]> {
  // Only classes of Hugging Face tell their tasks.
  if (architecture === null) return [];
  const labels = labelsOf(config, architecture);
  const inference = labels.some((label) => /^entail/i.test(label));
  const unfit = new Set<string>();
  if (!inference) unfit.add('zero-shot-classification');
  if (labels.length !== 1) unfit.add('text-ranking');
  if (config['is_encoder_decoder'] === true) {
    // An encoder–decoder has no states of its input alone.
    for (const task of ['embeddings', 'feature-extraction', 'sentence-similarity']) unfit.add(task);
  }
  return (await tasksOf(config, architecture)).filter((task) => !unfit.has(task));
}

/** Tokens of the vocabulary; null where config.json does not say. */
export function vocabularyOf(config: JsonObject): number | null {
  const { vocab_size: size, model } = config;
  return numberOrNull(size ?? (isObject(model) ? model['src_vocab'] : undefined));
}

/** Tokens of a sequence at most; null where config.json does not say. */
export function positionsOf(config: JsonObject): number | 'unlimited' | null {
  const {
    model_type: type,
    max_position_embeddings: most,
    n_positions: others,
    pad_token_id: pad,
  } = config;
  // Raffel et al. 2019, arXiv 1910.10683, section 2.1: only distances have weights.
  if (String(type).endsWith('t5')) return 'unlimited';
  const positions = numberOrNull(most ?? others);
  // RoBERTa's begin behind its padding.
  const isBehind = positions !== null && String(type).endsWith('roberta');
  return isBehind ? positions - (numberOrNull(pad) ?? 1) - 1 : positions;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
