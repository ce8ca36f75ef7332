// The options of webgpu-transformer train, checked: what defines a run, and what may differ each time
// it is taken up.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TransformerError } from '../../index.node.ts';
import { weightFormatNames } from '../../model/weights/asked-formats.ts';
import { courses } from '../../phrases/courses.ts';
import type { Recipe } from '../../phrases/recipe.ts';
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
import { readSettings, type RunSettings } from './run-settings.ts';

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
  readonly activations: 'f32' | 'f16' | undefined;
  readonly quiet: boolean;
}

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
  'new',
  'held-out',
  'pack',
  'freeze',
  'optimizer-state',
  'lora',
  'targets',
] as const;

/** Fine-tuning takes fewer and smaller steps than training from scratch. */
const fineTuning = { steps: 1000, learningRate: 2e-4, warmupSteps: 300 };
/** Rows are longer than phrases. */
const ofRows = { ...fineTuning, batchSize: 8 };
/** Of a language model from scratch. */
const ofNew = { steps: 2000, batchSize: 32, learningRate: 1e-3, warmupSteps: 200 };

const options = {
  out: textOption('DIR', "the run's folder (runs/phrases)"),
  resume: flagOption('go on with the run in that folder'),
  quick: flagOption('days, relative times and measures in three languages, within minutes'),
  field: textOption('narrow | wide', 'which phrases to learn (narrow); the wide one takes a day'),
  steps: textOption('N', 'steps in all (5000; --quick 1500, wide 20000; --from 1000; --new 2000)'),
  'batch-size': textOption('N', 'pairs of texts a step (96), or rows (8; with --new 32)'),
  'learning-rate': textOption(
    'X',
    'the greatest one, after the warm-up (2e-3; --from 2e-4; --new 1e-3)',
  ),
  seed: textOption('N', 'draws weights, pairs and their order (1)'),
  from: textOption('SOURCE', 'fine-tune a checkpoint, with its tokenizer'),
  new: textOption(
    'SOURCE',
    'a new language model of the config.json there; its tokenizer, or one learned from --data',
  ),
  data: textOption(
    'FILE',
    'what to learn: pairs, source TAB target a line, rows, or a folder: see above',
  ),
  'held-out': textOption('FILE', 'rows to measure by, in place of one in twenty; of packed texts'),
  pack: textOption(
    'N',
    'texts end to end, in rows of N tokens (with --new as many as there are positions)',
  ),
  language: textOption('NAME', 'what is spoken in sounds, fr or french; for Whisper'),
  lora: textOption('N', 'train low-rank adapters of this rank; the weights stay; needs --from'),
  targets: listOption(
    'PATTERN',
    'layers that get adapters, as "*.q_proj" (what makes queries and values)',
  ),
  freeze: listOption('PATTERN', 'tensors that stay, such as "model.encoder.*"'),
  'checkpoint-layers': flagOption('compute layers once more on the way back: less memory, slower'),
  activations: textOption('f32 | f16', 'in what results stay until the way back (f32)'),
  'optimizer-state': textOption(
    'f32 | 8bit',
    'how Adam holds what it keeps: in bytes it takes a quarter of the memory (f32)',
  ),
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
  if (rank === undefined && values.dtype?.startsWith('int')) {
    const wanted = 'Add --lora N to train adapters beside them, or pass f32 or f16.';
    throw new UsageError(`--dtype ${values.dtype} holds weights that do not train. ${wanted}`);
  }
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
    activations: choiceOption('--activations', values.activations, ['f32', 'f16'] as const),
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
  const { from, new: fresh, data, 'held-out': heldOut, language, freeze = [], targets } = values;
  const pack = wholeOption('--pack', values.pack, 2);
  if (data !== undefined && from === undefined && fresh === undefined) {
    throw new UsageError(
      '--data needs --from DIR, a checkpoint to begin with, whose tokenizer reads the texts, or --new DIR, the ' +
        'config.json of a new one.',
    );
  }
  if (fresh !== undefined && from !== undefined) {
    throw new UsageError(
      '--new begins with drawn weights, --from with those of a checkpoint. Leave one out.',
    );
  }
  if (fresh !== undefined && data === undefined) {
    throw new UsageError('--new needs --data FILE: the texts that the new model learns from.');
  }
  if (pack !== undefined && data === undefined) {
    throw new UsageError('--pack is for rows of texts. Pass --data FILE with it.');
  }
  if (heldOut !== undefined && pack === undefined && fresh === undefined) {
    throw new UsageError('--held-out is for packed texts. Pass --pack N with it, or leave it out.');
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
  const state = choiceOption('--optimizer-state', values['optimizer-state'], [
    'f32',
    '8bit',
  ] as const);
  const course = values.quick
    ? 'quick'
    : (choiceOption('--field', values.field, ['narrow', 'wide'] as const) ?? 'narrow');
  return {
    recipe: recipeOf(given, { ...courses[course].recipe, ...usualOf(from, fresh, data) }),
    course,
    ...(from !== undefined && { from }),
    ...(fresh !== undefined && { new: fresh }),
    ...(data !== undefined && { data: resolve(data) }),
    ...(heldOut !== undefined && { heldOut: resolve(heldOut) }),
    ...(pack !== undefined && { pack }),
    ...(language !== undefined && { language }),
    ...(state === '8bit' && { optimizerState: state }),
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

/** What is usual for a run of another model than that of phrases. */
function usualOf(
  from: string | undefined,
  fresh: string | undefined,
  data: string | undefined,
): Partial<Recipe> {
  if (fresh !== undefined) return ofNew;
  if (from === undefined) return {};
  return data === undefined || data.endsWith('.tsv') ? fineTuning : ofRows;
}
