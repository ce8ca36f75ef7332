// What defines a run of webgpu-transformer train, as its folder keeps it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TransformerError } from '../../index.node.ts';
import { isListOf } from '../../runtime/lists.ts';
import { type WeightFormatName, weightFormatNames } from '../../model/weights/asked-formats.ts';
import { isObject, type JsonObject, parseJson } from '../../source/json.ts';
import { type CourseName, courseNames } from '../../phrases/courses.ts';
import { defaultRecipe, type Recipe } from '../../phrases/recipe.ts';

/** What defines a run. It is kept in the run's folder, for `--resume`. */
export interface RunSettings {
  readonly recipe: Recipe;
  /** What phrases it learns, without data of its own. */
  readonly course: CourseName;
  /** The checkpoint to begin with; a new model of phrases when absent. */
  readonly from?: string;
  /** Where the config.json of a new language model is, and perhaps its tokenizer. */
  readonly new?: string;
  /** A file of pairs or rows to learn in place of phrases, or a folder. */
  readonly data?: string;
  /** A file of rows to measure by, in place of some of the data. */
  readonly heldOut?: string;
  /** Texts stand end to end in rows of so many tokens; of new models in as many as they have positions. */
  readonly pack?: number;
  /** What is spoken in the sounds that it learns from. */
  readonly language?: string;
  /** What Adam keeps in bytes; in f32 when absent. */
  readonly optimizerState?: '8bit';
  /** Names of tensors that stay as they are. */
  readonly freeze: readonly string[];
  /** Of runs that train adapters. */
  readonly lora?: LoraSettings | undefined;
}

export interface LoraSettings {
  readonly rank: number;
  /** The linear layers that get them; those that `Lora` takes when absent. */
  readonly targets?: readonly string[] | undefined;
  /** How the weights beside them are held; as stored when absent. */
  readonly dtype?: WeightFormatName | undefined;
}

/** The file of a run's folder that holds its `RunSettings`. */
export const settingsFile = 'training.json';

/** The settings that a run was begun with. */
export async function readSettings(out: string): Promise<RunSettings> {
  const file = join(out, settingsFile);
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `${file} cannot be read, so the run in ${out} cannot go on. Begin it again.`;
    throw new TransformerError('FILE_UNREADABLE', message, { cause });
  });
  const settings = parseJson(content, file);
  if (isObject(settings) && isRun(settings)) return settings;
  throw new TransformerError(
    'FILE_INVALID',
    `${file} does not hold the settings of a run. It was changed since, or another program wrote it.`,
  );
}

/** Texts that a run may be without. */
const optionalTexts = ['from', 'new', 'data', 'heldOut', 'language'] as const;

function isRun(settings: JsonObject): settings is JsonObject & RunSettings {
  const { recipe, course, freeze, lora, pack, optimizerState } = settings;
  return (
    isRecipe(recipe) &&
    isCourse(course) &&
    optionalTexts.every((name) => isOptional(settings[name], isText)) &&
    isOptional(pack, Number.isSafeInteger) &&
    isOptional(optimizerState, (value) => value === '8bit') &&
    isListOf(freeze, isText) &&
    isOptional(lora, isLora)
  );
}

function isOptional(value: unknown, fits: (value: unknown) => boolean): boolean {
  return value === undefined || fits(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCourse(value: unknown): value is CourseName {
  return courseNames.some((name) => name === value);
}

function isLora(value: unknown): value is LoraSettings {
  if (!isObject(value)) return false;
  const { rank, targets, dtype } = value;
  const isFormat = isOptional(dtype, (one) => weightFormatNames.some((name) => name === one));
  const isNames = isOptional(targets, (list) => isListOf(list, isText));
  return Number.isSafeInteger(rank) && isNames && isFormat;
}

function isRecipe(value: unknown): value is Recipe {
  const names = Object.keys(defaultRecipe);
  return isObject(value) && names.every((name) => typeof value[name] === 'number');
}
