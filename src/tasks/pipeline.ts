// pipeline(task, source): a model and its tokenizer, ready for text in and text out.

import { loadModel, type LoadOptions } from '../model/load.ts';
import { type ModelSource, openSource } from '../model/open-source.ts';
import { nearestName, TransformerError } from '../runtime/errors.ts';
import { Tokenizer } from './tokenizer.ts';
import { translationPipeline, type TranslationPipeline } from './translation.ts';

/** The tasks there are, and what their pipelines look like. */
export interface Pipelines {
  translation: TranslationPipeline;
}

/**
 * Loads a checkpoint with its tokenizer for a task. `source` and `options` are those of `loadModel`.
 * @example
 * const translate = await pipeline('translation', 'models/phrases');
 * await translate('Saturday, November 21, 2026', { to: 'fr' }); // [{ translationText: … }]
 */
export async function pipeline<Task extends keyof Pipelines>(
  task: Task,
  source: ModelSource,
  options: LoadOptions = {},
): Promise<Pipelines[Task]> {
  const tasks: readonly string[] = ['translation'];
  if (!tasks.includes(task)) {
    const nearest = nearestName(task, tasks);
    throw new TransformerError(
      'OPTION_INVALID',
      `There is no task "${task}"; there is ${tasks.join(', ')}.` +
        (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
    );
  }
  const files = openSource(source, options);
  const tokenizer = await Tokenizer.load(files, options.signal);
  const model = await loadModel(files, options);
  return translationPipeline(model, tokenizer);
}
