// Trains the model of models/digits in Node: `npm run train:digits`. Stopped, it goes on where it was saved last with
// `-- --resume`.

import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { directorySource, Gpu, loadModel } from 'webgpu-transformer';
import { completeRun, initialCheckpoint, Trainer } from 'webgpu-transformer/training';
import { mistakesOf } from './accuracy.ts';
import { heldOutOf, readMnist, trainingOf } from './mnist.ts';
import { preprocessing } from './pixel-values.ts';
import {
  defaultRecipe,
  digitBatches,
  digitsConfig,
  type Recipe,
  trainerOptions,
} from './recipe.ts';

/** Steps from one to the next. */
const every = { report: 50, save: 250, evaluate: 500 };

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/digits' },
    steps: { type: 'string' },
    resume: { type: 'boolean', default: false },
  },
});
const out = path.resolve(values.out);
const recipe = await recipeOf();
const all = await readMnist();
const [training, heldOut] = [trainingOf(all), heldOutOf(all)];

if (values.resume) await completeRun(out);
using gpu = await Gpu.request();
const start = values.resume
  ? directorySource(out)
  : initialCheckpoint(digitsConfig, { seed: recipe.seed });
using model = await loadModel(start, { gpu, training: true });
using trainer = new Trainer(model, trainerOptions(recipe));
if (values.resume) await trainer.restore(out);
console.log(`${trainer.trainableParameters} parameters, on ${gpu.info.description}`);
console.log(`${training.count} digits to train, ${heldOut.count} held out`);
await train();

/** The recipe of the run, which its folder keeps. */
async function recipeOf(): Promise<Recipe> {
  const file = path.join(out, 'recipe.json');
  if (existsSync(file) !== values.resume) {
    const way = values.resume ? 'no run to resume' : 'a run already: add --resume';
    throw new Error(`In ${out} is ${way}, or choose another --out.`);
  }
  const base = values.resume ? (JSON.parse(await readFile(file, 'utf8')) as Recipe) : defaultRecipe;
  const chosen = { ...base, ...(values.steps !== undefined && { steps: Number(values.steps) }) };
  await mkdir(out, { recursive: true });
  await writeFile(file, `${JSON.stringify(chosen)}\n`);
  await writeFile(
    path.join(out, 'preprocessor_config.json'),
    `${JSON.stringify(preprocessing, null, 2)}\n`,
  );
  return chosen;
}

async function train(): Promise<void> {
  const { steps: maxSteps } = recipe;
  let [sum, count] = [0, 0];
  let begin = performance.now();
  for await (const { step, loss } of trainer.steps(digitBatches(recipe, training), { maxSteps })) {
    const isDue = (name: keyof typeof every): boolean =>
      step % every[name] === 0 || step === maxSteps;
    sum += loss;
    count += 1;
    if (isDue('report')) {
      const seconds = (performance.now() - begin) / 1000 / count;
      await report({ step, loss: sum / count, seconds }, isDue('evaluate'));
      [sum, count] = [0, 0];
      begin = performance.now();
    }
    if (isDue('save')) await trainer.save(out, { dtype: step === maxSteps ? 'f16' : 'f32' });
  }
}

async function report(means: object, evaluates: boolean): Promise<void> {
  const mistakes = evaluates ? await mistakesOf(model, heldOut) : [];
  const accuracy = 1 - mistakes.length / heldOut.count;
  const line = JSON.stringify({ ...means, ...(evaluates && { accuracy }) });
  await appendFile(path.join(out, 'log.jsonl'), `${line}\n`);
  console.log(line);
}
