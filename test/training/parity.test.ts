// Twenty steps of AdamW on whole models, and of PEFT's adapters, against PyTorch in float64: losses, norms of
// gradients, and what is trained in the end.
import { describe, expect, test } from 'vitest';
import { type Gpu, loadModel, type ModelInputs, type Source } from 'webgpu-transformer';
import { adamW, loadLora, Trainer, type TrainerOptions } from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import type { JsonObject } from '../../src/source/json.ts';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  type Values,
  withFields,
} from '../support/source.ts';
import { MemoryTarget } from '../support/training.ts';

interface Steps {
  readonly loss: readonly number[];
  readonly grad_norm: readonly number[];
}

interface Expected {
  readonly checkpoint: string;
  /** Fields of config.json that are others there. */
  readonly config?: JsonObject;
  readonly call: string;
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly clip_grad_norm: number;
  /** Of whole models. `eps` of AdamW is 1e-8 when absent. */
  readonly full?: Steps & { readonly eps?: number; readonly evaluation?: number };
  readonly lora?: Steps;
}

/** The inputs without one of their sequences, images or sounds. */
function without(row: number, inputs: ModelInputs): ModelInputs {
  const cut = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.filter((_, i) => i !== row);
    const { data, shape } = value as { data: Float32Array; shape: number[] };
    const size = data.length / shape[0]!;
    const kept = data.filter((_, i) => Math.floor(i / size) !== row);
    return { data: kept, shape: [shape[0]! - 1, ...shape.slice(1)] };
  };
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, cut(value)]));
}

/** The whole batch, then it without each of its rows. */
function batchesOf(inputs: ModelInputs): ModelInputs[] {
  const rows = (inputs.labels as unknown[]).keys();
  return [inputs, ...[...rows].map((row) => without(row, inputs))];
}

async function expectSteps(trainer: Trainer, inputs: ModelInputs, wanted: Steps): Promise<void> {
  const batches = batchesOf(inputs);
  const steps = trainer.steps((index) => batches[index % batches.length], {
    maxSteps: wanted.loss.length,
  });
  let last = 0;
  for await (const { step, loss, gradNorm, skipped } of steps) {
    last = step;
    const [ofLoss, ofNorm] = [wanted.loss[step - 1]!, wanted.grad_norm[step - 1]!];
    expect({
      step,
      skipped,
      loss: Math.abs(loss - ofLoss) > 1e-4,
      gradNorm: Math.abs(gradNorm - ofNorm) > 1e-4 * Math.max(1, ofNorm),
    }).toEqual({ step, skipped: false, loss: false, gradNorm: false });
  }
  expect(last).toBe(wanted.loss.length);
}

function expectTrained(
  found: ReadonlyMap<string, Values>,
  wanted: ReadonlyMap<string, Values>,
): void {
  expect([...found.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const [name, { data }] of wanted) {
    // The gradient of a key's bias is zero in theory: Adam makes steps of its rounding noise.
    if (name.endsWith('key.bias')) continue;
    const largest = Math.max(...data.map(Math.abs));
    const off = found.get(name)!.data.map((value, i) => Math.abs(value - data[i]!) / largest);
    expect({ name, off: Math.max(...off) > 1e-4 }).toEqual({ name, off: false });
  }
}

const settings = (expected: Expected, { eps = 1e-8 } = {}): TrainerOptions => ({
  optimizer: adamW({ weightDecay: expected.weight_decay, eps }),
  learningRate: expected.learning_rate,
  maxGradNorm: expected.clip_grad_norm,
  decay: 'all',
  dropout: false,
});

/** The checkpoint that steps begin with. */
async function sourceOf({ checkpoint, config }: Expected): Promise<Source> {
  if (config === undefined) return fixtureSource(checkpoint);
  const files = await fixtureFiles(checkpoint, ['config.json', 'model.safetensors']);
  return memorySource({ ...files, 'config.json': withFields(files['config.json'], config) });
}

const wholes = ['bert', 'gemma3_text', 'lfm2', 'llama', 'qwen3_5', 't5', 'vit', 'whisper'];

/** Without adapters: weights that are kept within bounds. */
const bounded = ['gemma3n_clip'];

describe.each([...wholes, ...bounded])('%s', (name) => {
  const folder = `trajectories/${name}`;
  test.each(['software', 'gpu'])('whole, on %s kernels', (tier) =>
    onTier(tier, async (gpu) => {
      const expected = (await readFixtureJson(`${folder}/expected.json`)) as Expected;
      const inputs = callInputs(await readCase(expected.checkpoint), expected.call);
      using model = await loadModel(await sourceOf(expected), { gpu, training: true });
      using trainer = new Trainer(model, settings(expected, expected.full));
      await expectSteps(trainer, inputs, expected.full!);
      const final = readValues(await readFixture(`${folder}/expected_final.safetensors`));
      const trained = await readParameters(gpu, trainer.state.parameters);
      expectTrained(trained as Map<string, Values>, final);
      const { evaluation } = expected.full!;
      if (evaluation === undefined) return;
      // What is measured goes by the weights as they are.
      const { loss } = await trainer.evaluate([inputs]);
      expect(Math.abs(loss - evaluation)).toBeLessThan(1e-4);
    }),
  );
});

const adapted = [
  'llama_adalora',
  'bert_whole',
  'gemma3_embeddings',
  'gpt2_dora',
  'gpt_oss_experts',
  'gte_renamed',
  'lfm3_renamed',
  'llama_dora',
  'nomic_renamed',
  'qwen3_5_queries',
  'qwen3_moe_experts',
  'vit_renamed',
];

describe.each([...wholes, ...adapted])('%s', (name) => {
  const folder = `trajectories/${name}`;
  test.each(['software', 'gpu'])('adapters, on %s kernels', (tier) =>
    onTier(tier, async (gpu) => {
      const expected = (await readFixtureJson(`${folder}/expected.json`)) as Expected;
      const inputs = callInputs(await readCase(expected.checkpoint), expected.call);
      using model = await loadModel(fixtureSource(expected.checkpoint), { gpu });
      using adapter = await loadLora(model, fixtureSource(folder));
      using trainer = new Trainer(model, { ...settings(expected), adapter });
      await expectSteps(trainer, inputs, expected.lora!);
      const target = new MemoryTarget();
      await adapter.save(target);
      expectTrained(
        readValues(target.files['adapter_model.safetensors']!),
        readValues(await readFixture(`${folder}/adapter_final.safetensors`)),
      );
    }),
  );
});

const gpus = await testGpus();

async function onTier(tier: string, run: (gpu: Gpu) => Promise<void>): Promise<void> {
  const { options } = gpus.find((one) => one.name.startsWith(tier))!;
  await withGpu(options, run);
}
