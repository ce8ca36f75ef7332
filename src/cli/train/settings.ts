// The options of webgpu-transformer train, checked: what defines a run, and what may differ each time
// it is taken up.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TransformerError } from '../../index.node.ts';
import { type WeightFormatName, weightFormatNames } from '../../model/weights/asked-formats.ts';
import { isObject, parseJson } from '../../source/json.ts';
import { type CourseName, courseNames, courses } from '../../phrases/courses.ts';
import { defaultRecipe, type Recipe } from '../../phrases/recipe.ts';
import { type MetricName, metricDirections } from '../../training/evaluation/measure.ts';
import { stateFile } from '../../training/checkpoint.ts';
import {
  choiceOption,
  dtypeOption,
  flagOption,
  listOption,
  noTexts,
  type Options,
  positiveOption,
  readOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';

/** What defines a run. It is kept in the run's folder, for `--resume`. */
export interface RunSettings {
  readonly recipe: Recipe;
  /** What phrases it learns, without data of its own. */
  readonly course: CourseName;
  /** The checkpoint to begin with; a new model of phrases when absent. */
  readonly from?: string;
  /** A file of pairs or rows to learn in place of phrases, or a folder. */
  readonly data?: string;
  /** What is spoken in the sounds that it learns from. */
  readonly language?: string;
  /** Names of tensors that stay as they are. */
  readonly freeze: readonly string[];
  /** Of runs that train adapters. */
  readonly lora?: LoraSettings | undefined;
}

interface LoraSettings {
  readonly rank: number;
  /** The linear layers that get them; those that `Lora` takes when absent. */
  readonly targets?: readonly string[] | undefined;
  /** How the weights beside them are held; as stored when absent. */
  readonly dtype?: WeightFormatName | undefined;
}

export interface TrainSettings extends RunSettings {
  /** The run's folder. */
  readonly out: string;
  readonly resume: boolean;
  /** Steps from one to the next; 0 never, but for the end. */
  readonly saveEvery: number;
  readonly evaluateEvery: number;
  /** What is to get better; the first that the task has when absent. */
  readonly metric: MetricName | undefined;
  /** Evaluations without anything better that end a run. */
  readonly patience: number | undefined;
  readonly logdir: string | undefined;
  /** Storage format of the finished model. */
  readonly dtype: 'f32' | 'f16';
  readonly checkpointLayers: boolean;
  readonly quiet: boolean;
}

/** The file of a run's folder that holds its `RunSettings`. */
export const settingsFile = 'training.json';

/** Options that are fixed when a run begins. */
const fixed = [
  'batch-size',
  'learning-rate',
  'seed',
  'field',
  'quick',
  'data',
  'language',
  'from',
  'freeze',
  'lora',
  'targets',
] as const;

/** Fine-tuning takes fewer and smaller steps than training from scratch. */
const fineTuning = { steps: 1000, learningRate: 2e-4, warmupSteps: 300 };
/** Rows are longer than phrases. */
const ofRows = { ...fineTuning, batchSize: 8 };

const options = {
  out: textOption('DIR', "the run's folder (runs/phrases)"),
  resume: flagOption('go on with the run in that folder'),
  quick: flagOption('days, relative times and measures in three languages, within minutes'),
  field: textOption('narrow | wide', 'which phrases to learn (narrow); the wide one takes a day'),
  steps: textOption('N', 'steps in all (5000; --quick 1500, wide 20000; with --from 1000)'),
  'batch-size': textOption('N', 'pairs of texts a step (96), or rows (8)'),
  'learning-rate': textOption('X', 'the greatest one, after the warm-up (2e-3; with --from 2e-4)'),
  seed: textOption('N', 'draws weights, pairs and their order (1)'),
  from: textOption('SOURCE', 'fine-tune a checkpoint, with its tokenizer'),
  data: textOption(
    'FILE',
    'what to learn: pairs, source TAB target a line, rows, or a folder: see above',
  ),
  language: textOption('NAME', 'what is spoken in sounds, fr or french; for Whisper'),
  lora: textOption('N', 'train low-rank adapters of this rank; the weights stay; needs --from'),
  targets: listOption(
    'PATTERN',
    'layers that get adapters, as "*.q_proj" (what makes queries and values)',
  ),
  freeze: listOption('PATTERN', 'tensors that stay, such as "model.encoder.*"'),
  'checkpoint-layers': flagOption('compute layers once more on the way back: less memory, slower'),
  'save-every': textOption('N', 'steps (250; 0: at the end only)'),
  'evaluate-every': textOption('N', 'steps, what is held out is measured (250; 0: never)'),
  metric: textOption('NAME', 'keep the model that is best by this, in best (what the task has)'),
  patience: textOption('N', 'end after so many evaluations without anything better; keep the best'),
  logdir: textOption('DIR', 'write TensorBoard event files'),
  dtype: textOption(
    weightFormatNames.join(' | '),
    'f32 or f16: how the finished model is stored (f16); with --lora: how its weights are held',
  ),
  quiet: flagOption('print nothing'),
};

export const trainOptions: Options = options;

/** @throws UsageError, TransformerError FILE_* */
export async function trainSettings(args: readonly string[]): Promise<TrainSettings> {
  const { values, positionals } = readOptions(args, options);
  noTexts(positionals);
  const { resume, logdir, quiet, out: folder = 'runs/phrases' } = values;
  const rank = wholeOption('--lora', values.lora, 1);
  const held = rank === undefined ? undefined : dtypeOption(values.dtype);
  const stored = ['f32', 'f16'] as const;
  const dtype = (rank === undefined && choiceOption('--dtype', values.dtype, stored)) || 'f16';
  const out = resolve(folder);
  const given = {
    steps: wholeOption('--steps', values.steps, 1),
    batchSize: wholeOption('--batch-size', values['batch-size'], 1),
    learningRate: positiveOption('--learning-rate', values['learning-rate']),
    seed: wholeOption('--seed', values.seed),
  };
  const rest = {
    out,
    resume,
    saveEvery: wholeOption('--save-every', values['save-every']) ?? 250,
    evaluateEvery: wholeOption('--evaluate-every', values['evaluate-every']) ?? 250,
    metric: choiceOption('--metric', values.metric, Object.keys(metricDirections) as MetricName[]),
    patience: wholeOption('--patience', values.patience, 1),
    logdir,
    dtype,
    checkpointLayers: values['checkpoint-layers'],
    quiet,
  } as const;
  const isRun = existsSync(join(out, stateFile));
  if (resume) {
    const changed = fixed.find((name) => values[name] !== undefined && values[name] !== false);
    if (changed !== undefined) {
      throw new UsageError(
        `--${changed} is fixed when a run begins, so it cannot be given with --resume. Leave it ` +
          'out, or begin another run with another --out.',
      );
    }
    if (!isRun) {
      throw new TransformerError(
        'FILE_NOT_FOUND',
        `There is no run to resume in ${out}. Check --out, or leave --resume out to begin one.`,
      );
    }
    const { recipe, ...run } = await readSettings(out);
    return { ...run, ...rest, recipe: { ...recipe, steps: given.steps ?? recipe.steps } };
  }
  if (isRun) {
    throw new UsageError(
      `There is a run in ${out} already. Add --resume to go on with it, or choose another --out.`,
    );
  }
  const { from, data, language, freeze = [], targets } = values;
  if (data !== undefined && from === undefined) {
    throw new UsageError(
      '--data needs --from DIR: a checkpoint to begin with, whose tokenizer reads the texts.',
    );
  }
  if (rank === undefined && targets !== undefined) {
    throw new UsageError('--targets names layers that get adapters. Pass --lora N with it.');
  }
  if (rank !== undefined && from === undefined) {
    throw new UsageError('--lora needs --from SOURCE: the model that the adapters are for.');
  }
  if (from !== undefined && resolve(from) === out) {
    throw new UsageError(
      `--from and --out are both ${out}; the run would write over its own beginning. Change --out.`,
    );
  }
  if (values.quick && values.field !== undefined) {
    throw new UsageError('--quick is a field of its own. Leave out --quick or --field.');
  }
  const course = values.quick
    ? 'quick'
    : (choiceOption('--field', values.field, ['narrow', 'wide'] as const) ?? 'narrow');
  return {
    recipe: recipeOf(given, { ...courses[course].recipe, ...usualOf(from, data) }),
    course,
    ...(from !== undefined && { from }),
    ...(data !== undefined && { data: resolve(data) }),
    ...(language !== undefined && { language }),
    freeze,
    ...(rank !== undefined && { lora: { rank, targets, dtype: held } }),
    ...rest,
  };
}

/** The part of its steps that a short run warms up for. */
const warmupPart = 0.06;

/** What is usual, with what was given. */
function recipeOf(
  given: { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined },
  usual: Recipe,
): Recipe {
  const steps = given.steps ?? usual.steps;
  const warmup = Math.round(warmupPart * steps);
  return {
    seed: given.seed ?? usual.seed,
    steps,
    batchSize: given.batchSize ?? usual.batchSize,
    learningRate: given.learningRate ?? usual.learningRate,
    warmupSteps: Math.min(usual.warmupSteps, warmup),
  };
}

/** What is usual for a run that begins with a checkpoint. */
function usualOf(from: string | undefined, data: string | undefined): Partial<Recipe> {
  if (from === undefined) return {};
  return data === undefined || data.endsWith('.tsv') ? fineTuning : ofRows;
}

/** The settings that a run was begun with. */
async function readSettings(out: string): Promise<RunSettings> {
  const file = join(out, settingsFile);
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `${file} cannot be read, so the run in ${out} cannot go on. Begin it again.`;
    throw new TransformerError('FILE_UNREADABLE', message, { cause });
  });
  const settings = parseJson(content, file);
  if (isObject(settings)) {
    const { recipe, course, from, data, language, freeze, lora } = settings;
    const isText = (value: unknown): value is string => typeof value === 'string';
    const isOptionalText = (value: unknown): value is string | undefined =>
      value === undefined || isText(value);
    if (
      isRecipe(recipe) &&
      isCourse(course) &&
      isOptionalText(from) &&
      isOptionalText(data) &&
      isOptionalText(language) &&
      Array.isArray(freeze) &&
      freeze.every(isText) &&
      (lora === undefined || isLora(lora))
    ) {
      const texts = {
        ...(isText(from) && { from }),
        ...(isText(data) && { data }),
        ...(isText(language) && { language }),
      };
      return { recipe, course, ...texts, freeze, ...(lora && { lora }) };
    }
  }
  throw new TransformerError(
    'FILE_INVALID',
    `${file} does not hold the settings of a run. It was changed since, or another program wrote it.`,
  );
}

function isCourse(value: unknown): value is CourseName {
  return courseNames.some((name) => name === value);
}

function isLora(value: unknown): value is LoraSettings {
  if (!isObject(value)) return false;
  const { rank, targets, dtype } = value;
  const isFormat = dtype === undefined || weightFormatNames.some((name) => name === dtype);
  const isNames =
    targets === undefined ||
    (Array.isArray(targets) && targets.every((name) => typeof name === 'string'));
  return Number.isSafeInteger(rank) && isNames && isFormat;
}

function isRecipe(value: unknown): value is Recipe {
  const names = Object.keys(defaultRecipe);
  return isObject(value) && names.every((name) => typeof value[name] === 'number');
}
