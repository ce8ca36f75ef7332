// webgpu-transformer train: trains the translator of phrases, or fine-tunes a checkpoint.

import { Gpu, loadModel, type Model, TransformerError } from '../../index.node.ts';
import { completeRun } from '../../training/complete-run.ts';
import { trainerOptions } from '../../phrases/recipe.ts';
import { withAdapters } from '../../training/adapters/adapted-model.ts';
import { Lora } from '../../training/adapters/lora.ts';
import { trainableOf } from '../../training/check.ts';
import { trainingMemory, type TrainingMemory } from '../../training/memory.ts';
import { Trainer } from '../../training/trainer.ts';
import type { TrainerOptions } from '../../training/trainer-options.ts';
import { adapterLine } from '../adapter-line.ts';
import type { Command } from '../command.ts';
import { Interruption } from '../interruption.ts';
import { companionFiles, readFiles } from './companion-files.ts';
import type { TrainingData } from './data.ts';
import { RunEvaluation } from './evaluation.ts';
import { folderLearner } from './folder.ts';
import { Reporter } from './report.ts';
import { newModelOptions } from './new-model.ts';
import { trainOptions, trainSettings, type TrainSettings } from './settings.ts';
import { openStart, writeStart } from './start.ts';
import { textLearner } from './texts.ts';

export const train: Command = {
  form: 'train',
  summary:
    'train a translator of phrases or a language model from scratch, or any model on texts of your own',
  details:
    'Ctrl-C saves and stops; --resume goes on. A language model learns from rows of JSONL, JSON, CSV, TSV, Parquet or lines: ' +
    'with messages, of which what the assistant says counts, with prompt and completion, or with text; and, with --lora, ' +
    'from preferences (DPO): rows with prompt, chosen and rejected, or conversations as chosen and rejected. A model of ' +
    'embeddings learns from rows with anchor, positive and perhaps negative, texts that belong together, with all others of ' +
    'a step as negatives. A classifier ' +
    'of texts learns from rows with text, label and perhaps textPair; one of pictures or sounds from a folder that has a folder ' +
    'of them for each label, or metadata.csv with file_name and label; a detector from a folder of pictures with ' +
    'metadata.jsonl, which has file_name and objects: { bbox: [[left, upper, width, height]], categories: [label] } in ' +
    "pixels, or with COCO's annotations.json; all get a head for labels that they do not have; a model of speech from a " +
    'folder of sounds with metadata.csv, which has file_name and transcription, or labels, as a classifier does. One in ' +
    "twenty is held out, drawn by the seed, and measured by the task's metric as the run goes on.",
  options: trainOptions,
  examples: [
    { call: 'train --quick --out runs/quick' },
    { call: 'train --out runs/phrases' },
    { call: 'train --resume --out runs/phrases' },
    { call: 'train --out runs/mine --from DIR --data pairs.tsv' },
    { call: 'train --out runs/novels --new DIR --data novels.jsonl' },
    { call: 'train --out runs/topics --from DIR --data topics.csv --metric macroF1 --patience 3' },
    { call: 'train --out runs/chat --from DIR --data chat.jsonl --lora 8 --dtype int4' },
    { call: 'train --out runs/search --from DIR --data questions.jsonl --batch-size 32' },
    { call: 'train --out runs/pets --from DIR --data images/' },
    { call: 'train --out runs/street --from DIR --data street/ --metric map' },
    { call: 'train --out runs/speech --from DIR --data speech/ --language fr' },
  ],
  run,
};

/**
 * Trains and saves as it goes; when interrupted, it saves and says how to go on. The exit status is
 * then that of the signal.
 * @throws TransformerError OPTION_*, FILE_*, TRAINING_DIVERGED, and what loadModel throws
 */
async function run(args: readonly string[]): Promise<void> {
  const settings = await trainSettings(args);
  // A save may have been cut off behind the state of the run.
  if (settings.resume) await completeRun(settings.out);
  using interruption = new Interruption();
  using gpu = await Gpu.request();
  const start = await openStart(settings);
  const learner =
    (await folderLearner(settings, start.source)) ?? (await textLearner(settings, start));
  const { source, tokenizer, head, modules = false } = learner;
  // loadModel releases the source, so its other files are read before.
  const copied = await readFiles(source, companionFiles);
  const { recipe, freeze, out, resume, lora } = settings;
  using model = await loadModel(source, {
    gpu,
    ...(head && { head }),
    modules,
    ...(lora ? lora.dtype && { dtype: lora.dtype } : { training: true }),
  });
  const data = await learner.data(model);
  using adapter =
    lora &&
    new Lora(model, {
      rank: lora.rank,
      ...(lora.targets && { targets: lora.targets }),
      ...(head && { modulesToSave: headModules(model) }),
      seed: recipe.seed,
    });
  const options: TrainerOptions = {
    ...(settings.new === undefined ? trainerOptions : newModelOptions)(
      recipe,
      settings.optimizerState,
    ),
    labelSmoothing: data.labelSmoothing ?? 0,
    freeze,
    checkpointLayers: settings.checkpointLayers,
    ...(settings.activations && { activations: settings.activations }),
    ...(adapter && { adapter }),
    ...(data.objective && { objective: data.objective }),
  };
  const memory = trainingMemory(model, options, await data.batches(0));
  using trainer = new Trainer(model, options);
  const view = adapter ? withAdapters(model, adapter) : model;
  const evaluation = new RunEvaluation(settings, {
    trainer,
    model: view,
    adapter,
    tokenizer,
    data,
    files: copied,
  });
  if (resume) await trainer.restore(out);
  if (trainer.step >= recipe.steps) {
    throw new TransformerError(
      'OPTION_INVALID',
      `The run in ${out} is at step ${trainer.step}, its end is at ${recipe.steps}. Pass more --steps ` +
        'to go on with it.',
    );
  }
  await writeStart(settings, resume ? new Map() : copied, lora && head && model.config);
  const reporter = await Reporter.open(settings, trainer.step);
  evaluation.resume(reporter.found);
  const count = (number: number): string => number.toLocaleString('en-US');
  reporter.print(`adapter     ${adapterLine(gpu)}`);
  reporter.print(`parameters  ${count(trainer.trainableParameters)} that train`);
  if (head) reporter.print(`labels      ${head.labels.length}: ${head.labels.join(', ')}`);
  for (const text of model.warnings) reporter.print(`note        ${text}`);
  reporter.print(`memory      ${memoryLine(memory)}`);
  reporter.print(`data        ${data.summary}`);
  reporter.print(`run         ${out}, from step ${trainer.step}`);
  try {
    await runSteps(settings, { trainer, data, evaluation, reporter, interruption });
  } finally {
    reporter.end();
  }
}

/** The modules of a head, which train whole beside adapters. */
function headModules(model: Model): string[] {
  const { slices, behindStates } = trainableOf('The model', model);
  const own = slices.filter(({ tensor }) => behindStates.includes(tensor));
  return [...new Set(own.map(({ name }) => name.replace(/\.(weight|bias)$/, '')))];
}

/** What a step takes, in words. */
function memoryLine({ weights, gradients, optimizer, activations, total }: TrainingMemory): string {
  const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return (
    `${size(total)}: weights ${size(weights)}, gradients ${size(gradients)}, optimizer ${size(optimizer)}, ` +
    `activations of the first batch ${size(activations)}`
  );
}

interface Run {
  readonly trainer: Trainer;
  readonly data: TrainingData;
  readonly evaluation: RunEvaluation;
  readonly reporter: Reporter;
  readonly interruption: Interruption;
}

/** The steps that are left, then the model in its final format. */
async function runSteps(settings: TrainSettings, parts: Run): Promise<void> {
  const { trainer, evaluation, reporter, interruption } = parts;
  const { out, dtype, recipe } = settings;
  const save = async (): Promise<void> => {
    if (trainer.savedStep !== trainer.step) await trainer.save(out);
  };
  try {
    await untilInterrupted(interruption, () => eachStep(settings, parts, save));
  } catch (error) {
    const { savedStep } = trainer;
    const last =
      savedStep === undefined
        ? 'nothing is saved'
        : `step ${savedStep} is saved in ${out}: go on from it with --resume`;
    reporter.print(`The run failed at step ${trainer.step}; ${last}.`);
    throw error;
  }
  await reporter.report();
  await save();
  const { bestLine } = evaluation;
  if (evaluation.isOver) {
    reporter.print(`Ended: ${settings.patience} evaluations in a row brought nothing better.`);
  }
  if (bestLine !== undefined) reporter.print(bestLine);
  if (trainer.step < recipe.steps && !evaluation.isOver) {
    reporter.print(
      `Stopped at step ${trainer.step} of ${recipe.steps}, saved in ${out}. Go on with:\n` +
        `  webgpu-transformer train --resume --out ${out}`,
    );
    process.exitCode = interruption.exitCode ?? 0;
    return;
  }
  if (settings.lora) {
    reporter.print(
      `Trained ${trainer.step} steps. The adapter is in ${out}. Use it beside its model:\n` +
        `  webgpu-transformer generate ${settings.from} --adapter ${out}`,
    );
    return;
  }
  await trainer.saveModel(out, { dtype });
  reporter.print(`Trained ${trainer.step} steps. The model is in ${out}, as ${dtype}.`);
  if (settings.data === undefined) {
    reporter.print(`Evaluate it with:\n  webgpu-transformer evaluate ${out}`);
  }
}

async function untilInterrupted(
  { signal }: Interruption,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (signal.aborted && error instanceof TransformerError && error.code === 'ABORTED') return;
    throw error;
  }
}

async function eachStep(
  { recipe, saveEvery, evaluateEvery }: TrainSettings,
  { trainer, data, evaluation, reporter, interruption }: Run,
  save: () => Promise<void>,
): Promise<void> {
  const { signal } = interruption;
  const isEvery = (step: number, every: number): boolean =>
    every > 0 && (step % every === 0 || step === recipe.steps);
  if (evaluation.isOver) return;
  let before = performance.now();
  for await (const done of trainer.steps(data.batches, { signal, maxSteps: recipe.steps })) {
    reporter.step(done, (performance.now() - before) / 1000);
    const { step } = done;
    if (isEvery(step, saveEvery)) await save();
    const found = isEvery(step, evaluateEvery) ? await evaluation.evaluate(signal) : undefined;
    if (found !== undefined || reporter.isDue(step)) await reporter.report(found);
    if (evaluation.isOver) return;
    before = performance.now();
  }
}
