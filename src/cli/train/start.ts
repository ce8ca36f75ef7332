// Where a run begins, and what stays the same as it goes on.

import { directorySource, directoryTarget, type Source } from '../../index.node.ts';
import { courses } from '../../phrases/courses.ts';
import { grown } from '../../phrases/grow.ts';
import { phrasesConfig, phrasesGeneration } from '../../phrases/recipe.ts';
import { buildTokenizer } from '../../phrases/vocabulary.ts';
import type { JsonObject } from '../../source/json.ts';
import { openSource } from '../../source/open-source.ts';
import { jsonBytes, withFiles } from '../../source/overlay.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { jsonFile } from '../../training/model-files.ts';
import { initialCheckpoint } from '../../training/initialize.ts';
import { newModel, type Start } from './new-model.ts';
import { type RunSettings, settingsFile } from './run-settings.ts';
import type { TrainSettings } from './settings.ts';

/** Where the run begins: its own folder, a checkpoint, or a new model. */
export async function openStart(settings: TrainSettings): Promise<Start> {
  if (settings.new !== undefined && !settings.resume) return newModel(settings.new, settings);
  return { source: await openCheckpoint(settings) };
}

async function openCheckpoint(settings: TrainSettings): Promise<Source> {
  const { resume, out, from, data, recipe, course, lora } = settings;
  if (resume && !lora) return directorySource(out);
  if (from !== undefined) {
    const source = openSource(from);
    if (course !== 'wide' || data !== undefined || lora) return source;
    return grown(source, await Tokenizer.load(source, undefined), courses.wide.field);
  }
  const { field, vocabulary, vocabularyPairs, config: size } = courses[course];
  const built = buildTokenizer(0, vocabulary, vocabularyPairs, field);
  const files = new Map([
    ['tokenizer.json', jsonBytes(built.tokenizer)],
    ['tokenizer_config.json', jsonBytes(built.config)],
  ]);
  const checkpoint = initialCheckpoint(
    { ...phrasesConfig(vocabulary), ...size, ...built.settings },
    { seed: recipe.seed, generationConfig: phrasesGeneration },
  );
  return withFiles(checkpoint, files, 'a new model of phrases');
}

/**
 * Writes what stays the same during a run: its settings and its tokenizer. `config`: of a model with a new head that an
 * adapter is for.
 */
export async function writeStart(
  settings: TrainSettings,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  config: JsonObject | undefined,
): Promise<void> {
  const { recipe, course, from, data, heldOut, pack, language, freeze, lora, out } = settings;
  const { optimizerState } = settings;
  const target = directoryTarget(out);
  // An adapter goes with the tokenizer of its model.
  if (!lora) for (const [name, bytes] of files) await target.write(name, bytes);
  const run: RunSettings = {
    recipe,
    course,
    ...(from !== undefined && { from }),
    ...(settings.new !== undefined && { new: settings.new }),
    ...(data !== undefined && { data }),
    ...(heldOut !== undefined && { heldOut }),
    ...(pack !== undefined && { pack }),
    ...(language !== undefined && { language }),
    ...(optimizerState && { optimizerState }),
    freeze,
    ...(lora && { lora }),
  };
  if (config) await target.write('config.json', jsonFile(config));
  await target.write(settingsFile, jsonFile(run));
}
