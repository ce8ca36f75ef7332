// Reads the settings of generation in a checkpoint's files as Hugging Face does: what makes no sense
// there and does no harm is overlooked, with a sentence that says so. A caller's options never are.

import { isObject, type JsonObject } from '../../source/json.ts';
import { show } from '../../runtime/print.ts';
import { optionNames, reals, samplingOptions, unsupported, wholes } from './options.ts';
import type { LoadedParts } from '../model.ts';
import { snakeCase } from './option-reader.ts';

/** Settings of this library alone: a file that has them was written for others. */
const callersOwn = ['presence_penalty', 'frequency_penalty', 'seed', 'stopping_criteria', 'signal'];

/** Settings that change what is reported or how fast it goes, but no token. */
const harmless =
  /^(_|output_|return_|use_cache$|cache_|max_cache_|transformers_version$|.*assistant|target_lookbehind$|prefill_|compile_|disable_compile$|low_memory$|remove_invalid_values$)/;

/** Numbers that Hugging Face only looks at within these bounds, and those that it asks for above. */
const bounds: Readonly<Record<string, (value: number) => boolean>> = {
  no_repeat_ngram_size: (value) => value >= 0,
  encoder_no_repeat_ngram_size: (value) => value >= 0,
  min_length: (value) => value >= 0,
  min_new_tokens: (value) => value >= 0,
  top_p: (value) => value <= 1,
  typical_p: (value) => value <= 1,
  epsilon_cutoff: (value) => value >= 0 && value < 1,
  eta_cutoff: (value) => value >= 0 && value < 1,
};

const tokenLists = ['eos_token_id', 'suppress_tokens', 'begin_suppress_tokens'];

/** Why settings that change results elsewhere change none here. */
const idle: Readonly<Record<string, string>> = {
  forced_decoder_ids: 'has no meaning for this model',
  prompt_lookup_num_tokens: 'only changes how fast tokens come',
};

/**
 * The settings of generation without what is overlooked, which `parts.warnings` gets a sentence on, and without
 * `others`, fields that the model reads itself.
 */
export function generationSettings(
  { generation, config, warnings }: Pick<LoadedParts, 'generation' | 'config' | 'warnings'>,
  vocabulary: number,
  others: readonly string[] = [],
): JsonObject {
  const isOwnFile = generation !== config;
  const file = isOwnFile ? 'generation_config.json' : 'config.json';
  const settings: Record<string, unknown> = { ...generation };
  const { decoder } = config;
  if (!isOwnFile && isObject(decoder)) {
    // Of two models in one file, the decoder counts where the whole says nothing.
    for (const [name, value] of Object.entries(decoder)) settings[name] ??= value;
  }
  const overlook = (name: string, why: string): void => {
    const value = show(settings[name]);
    warnings.add(`${file}: "${name}" is ${value}, which ${why}; it is overlooked.`);
    delete settings[name];
  };
  const isImpossible = (id: unknown): boolean =>
    Number.isInteger(id) && (Number(id) < 0 || Number(id) >= vocabulary);
  const noToken = `is no token from 0 to ${vocabulary - 1}`;

  if (isImpossible(settings['pad_token_id'])) overlook('pad_token_id', noToken);
  for (const name of tokenLists) {
    const ids = [settings[name] ?? []].flat();
    if (!ids.some(isImpossible)) continue;
    overlook(name, ids.every(isImpossible) ? noToken : 'names more than the tokens there are');
    settings[name] = ids.filter((id) => !isImpossible(id));
  }
  for (const [name, isWithin] of Object.entries(bounds)) {
    const value = settings[name];
    if (typeof value === 'number' && !isWithin(value)) overlook(name, 'sets no bound');
  }
  for (const name of others) delete settings[name];
  for (const [name, why] of Object.entries(idle)) {
    if ((settings[name] ?? undefined) !== undefined) overlook(name, why);
  }
  if (
    Number(settings['diversity_penalty'] ?? 0) !== 0 &&
    Number(settings['num_beam_groups'] ?? 1) === 1
  ) {
    overlook('diversity_penalty', 'counts for groups of beams alone');
  }
  const presets = { ...wholes, ...reals };
  const unused = samplingOptions.filter((name) => {
    const [preset] = presets[name];
    return (settings[snakeCase(name)] ?? preset) !== preset;
  });
  if (settings['do_sample'] !== true && unused.length > 0) {
    const names = unused.map(snakeCase).join(', ');
    warnings.add(`${file}: ${names} only count for calls with doSample: true.`);
  }
  for (const name of callersOwn) {
    if (isOwnFile && (settings[name] ?? undefined) !== undefined) {
      overlook(name, 'is an option of calls alone');
    }
    delete settings[name];
  }
  if (!isOwnFile) return settings;
  const known = new Set(
    [...optionNames, 'stopStrings', ...Object.keys(unsupported)].map(snakeCase),
  );
  for (const name of Object.keys(settings)) {
    if (!known.has(name) && !harmless.test(name)) overlook(name, 'is no setting of generation');
  }
  return settings;
}
