// Gradients of torch.nn.Transformer against PyTorch's, for every weight and both inputs.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { Config } from '../../src/model/config.ts';
import { openSafetensors, type TensorEntry } from '../../src/source/safetensors.ts';
import { torchTransformer } from '../../src/model/families/pairs/torch-transformer.ts';
import { WeightLoader } from '../../src/model/weights/weights.ts';
import { gradients } from '../../src/runtime/gradient.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { Tensor } from '../../src/runtime/tensor.ts';
import { gradientRules } from '../../src/shaders/gradients.ts';
import { expectClose } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource, readValues, type Values } from '../support/source.ts';
import { sequenceStack } from '../../src/model/layers/sequence-stack.ts';
import { recall, remember } from '../../src/model/layers/cross-attention.ts';

const gpus = await testGpus();
const cases = ['post_relu', 'post_gelu', 'pre_relu', 'pre_gelu'].map(
  (variant) => `torch_transformer_${variant}`,
);

/** Every tensor in a tree of objects and lists. */
function tensorsIn(tree: unknown): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.values(tree).flatMap(tensorsIn);
}

/** PyTorch's masks say where not to look. */
function maskOf(blocked: boolean[][]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(blocked.flat(), (hidden) => (hidden ? 0 : 1));
}

/**
 * The gradients of Σ output · grad_out over the targets that are no padding, by PyTorch's names.
 * Parts of one stored tensor, such as the queries and the keys of in_proj, are joined in order.
 */
async function computeGradients(gpu: Gpu, folder: string): Promise<Map<string, Values>> {
  const source = fixtureSource(folder);
  const given = readValues(await readFixture(`${folder}/inputs.safetensors`));
  const masks = (await readFixtureJson(`${folder}/inputs.json`)) as Record<string, boolean[][]>;
  const [src, tgt, gradOut] = ['src', 'tgt', 'grad_out'].map((name) => given.get(name)!);
  const sourceSeen = maskOf(masks['src_key_padding_mask']!);
  const targetSeen = maskOf(masks['tgt_key_padding_mask']!);
  const width = gradOut!.shape.at(-1)!;
  const counted = gradOut!.data.map((value, i) => value * targetSeen[Math.floor(i / width)]!);

  const weights = new Scope(gpu);
  const entries = await openSafetensors(source, {});
  const find = (name: string): TensorEntry | undefined => entries.get(name);
  const loader = new WeightLoader(weights, { find });
  const config = (await readFixtureJson(`${folder}/config.json`)) as Record<string, never>;
  const model = torchTransformer(new Config(config, folder), loader);
  await loader.load(source, {});
  const recording = new Recording(gpu, { training: true });
  try {
    const x = recording.persistent('input.src', src!.shape);
    const y = recording.persistent('input.tgt', tgt!.shape);
    const sourceMask = recording.persistent('source mask', src!.shape.slice(0, 2), 'u32');
    const targetMask = recording.persistent('target mask', tgt!.shape.slice(0, 2), 'u32');
    const seed = recording.persistent('d output', gradOut!.shape);
    const memory = sequenceStack(x, model.encoder, { mask: sourceMask, causal: false });
    const output = sequenceStack(y, model.decoder, {
      mask: targetMask,
      cross: recall(remember(memory, sourceMask, model.decoder)),
      causal: true,
    });
    const wanted = [...tensorsIn(model), x, y];
    const found = gradients(recording, new Map([[output, seed]]), wanted, gradientRules);
    const plan = await Plan.create(
      recording,
      wanted.map((tensor) => found.get(tensor)!),
    );
    plan.write(x, src!.data);
    plan.write(y, tgt!.data);
    plan.write(sourceMask, sourceSeen);
    plan.write(targetMask, targetSeen);
    plan.write(seed, counted);
    const played = await plan.play();
    const results = new Map<string, Values>();
    for (const [i, { label, shape }] of wanted.entries()) {
      const before = results.get(label);
      const data = [...(before?.data ?? []), ...new Float32Array(played[i]!)];
      const rows = (before?.shape[0] ?? 0) + shape[0]!;
      results.set(label, { data: Float32Array.from(data), shape: [rows, ...shape.slice(1)] });
    }
    return results;
  } finally {
    recording.dispose();
    weights.dispose();
  }
}

for (const { name, options } of gpus) {
  for (const folder of cases) {
    test(`${folder}, ${name}`, () =>
      withGpu(options, async (gpu) => {
        const expected = readValues(await readFixture(`${folder}/expected_grads.safetensors`));
        const got = await computeGradients(gpu, folder);
        expect([...got.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
        expect(expected.size).toBe(66);
        // The key part of every in_proj_bias has no gradient in exact arithmetic (a constant added
        // to all scores of a query changes no weight); it is held to the scale of its whole tensor.
        for (const [tensor, wanted] of expected) expectClose(got.get(tensor), wanted, tensor);
      }));
  }
}
