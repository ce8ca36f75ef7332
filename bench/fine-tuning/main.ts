// Adapters of a language model trained on conversations here, for the same run by PEFT (peft_side.py), and the two
// losses drawn together, as docs/guides/adapters.md shows them.
//   npm run bench -- --fine-tuning --model DIR --out DIR [--steps N]   trains here
//   npm run bench -- --fine-tuning --out DIR --chart                   draws what both have found

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  adamW,
  chatExample,
  constant,
  exampleBatch,
  loadTokenizer,
  Lora,
  shuffled,
  Trainer,
} from 'webgpu-transformer/training';
import { openGpu } from '../adapters.ts';
import { chart, type Curve, type Run } from './chart.ts';
import { drawChats } from './chats.ts';

const recipe = {
  chats: 320,
  batchSize: 2,
  rank: 8,
  alpha: 16,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  learningRate: 1e-3,
  warmupSteps: 3,
  maxGradNorm: 1,
  seed: 1,
} as const;

const { values } = parseArgs({
  options: {
    'fine-tuning': { type: 'boolean' },
    model: { type: 'string' },
    out: { type: 'string' },
    steps: { type: 'string', default: '100' },
    chart: { type: 'boolean', default: false },
  },
});
const { model: folder, out } = values;
if (out === undefined) throw new RangeError('--out names no folder. Pass one.');
const steps = Number(values.steps);
if (!Number.isInteger(steps) || steps < 1) {
  throw new RangeError(`--steps is ${values.steps}; wanted a whole number from 1.`);
}
if (values.chart) draw(out);
else if (folder === undefined) throw new RangeError('--model names no checkpoint. Pass one.');
else await trainHere(folder, out);

/** Trains, and leaves what the other side begins with: the batches and the adapter as it was drawn. */
async function trainHere(source: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  const tokenizer = await loadTokenizer(source);
  const chats = drawChats(recipe.chats, recipe.seed);
  write('chats.jsonl', chats.map((chat) => `${JSON.stringify(chat)}\n`).join(''));
  const examples = await Promise.all(chats.map(({ messages }) => chatExample(tokenizer, messages)));
  const row = shuffled(examples, recipe.seed);
  const batches = (step: number): ModelInputs =>
    exampleBatch(
      Array.from({ length: recipe.batchSize }, (_, i) => row(recipe.batchSize * step + i)),
      tokenizer.padToken ?? 0,
    );
  const { gpu } = await openGpu(undefined);
  using model = await loadModel(source, { gpu, dtype: 'f32' });
  const { rank, alpha, targets, seed, warmupSteps, maxGradNorm } = recipe;
  const patterns = targets.map((name) => `*.${name}`);
  using adapter = new Lora(model, { rank, alpha, targets: patterns, seed });
  await adapter.save(path.join(target, 'adapter'));
  const schedule = constant(recipe.learningRate, { warmupSteps });
  using trainer = new Trainer(model, {
    adapter,
    optimizer: adamW({ weightDecay: 0 }),
    learningRate: schedule,
    maxGradNorm,
  });
  const inputs = Array.from({ length: steps }, (_, step) => batches(step));
  const rates = Array.from({ length: steps }, (_, step) => schedule(step + 1));
  write('batches.json', JSON.stringify({ maxGradNorm, rates, batches: inputs }));
  write('run.json', JSON.stringify({ recipe, parameters: trainer.trainableParameters }));
  const { vendor, architecture } = gpu.info;
  const name = `webgpu-transformer on ${vendor} ${architecture}`.trim();
  const losses: number[] = [];
  const begun = performance.now();
  for await (const { step, loss } of trainer.steps(batches, { maxSteps: steps })) {
    losses.push(loss);
    console.log(`step ${step}/${steps}  loss ${loss.toFixed(6)}`);
    const seconds = (performance.now() - begun) / 1000;
    write('ours.json', JSON.stringify({ name, losses, seconds }));
  }

  function write(file: string, content: string): void {
    writeFileSync(path.join(target, file), content);
  }
}

/** Puts what both sides have found into bench/results. */
function draw(from: string): void {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(from, name), 'utf8'));
  const run = read('run.json') as Omit<Run, 'curves'>;
  const whole: Run = { ...run, curves: [read('ours.json'), read('peft.json')] as Curve[] };
  writeFileSync('bench/results/fine-tuning.json', `${JSON.stringify(whole)}\n`);
  writeFileSync('bench/results/fine-tuning.svg', chart(whole));
  const [ours, peft] = whole.curves;
  const apart = (ours?.losses ?? []).map((loss, i) => Math.abs(loss - (peft?.losses[i] ?? NaN)));
  console.log(`largest difference of a loss: ${Math.max(...apart).toExponential(2)}`);
}
