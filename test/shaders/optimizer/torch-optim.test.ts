// Twelve updates by every optimizer, next to those of PyTorch in float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import {
  adam,
  optimizerStates,
  type Segment,
  sgd,
  type StepTensors,
} from '../../../src/shaders/optimizer/optimizer.ts';
import { readFixture, readFixtureJson } from '../../support/fixture.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { decays, trainable, withStepper } from '../../support/optimizer.ts';
import { readValues } from '../../support/source.ts';

interface Variant {
  readonly optimizer: 'Adam' | 'AdamW' | 'SGD';
  readonly kwargs: {
    readonly betas?: readonly [number, number];
    readonly eps?: number;
    readonly weight_decay?: number;
    readonly amsgrad?: boolean;
    readonly momentum?: number;
  };
  readonly clip_grad_norm: number | null;
  readonly lr: readonly number[];
  readonly grad_norms?: readonly number[];
}

const about = (await readFixtureJson('torch_optim/inputs.json')) as {
  steps: number;
  variants: Record<string, Variant>;
};
const inputs = readValues(await readFixture('torch_optim/inputs.safetensors'));
const expected = readValues(await readFixture('torch_optim/expected.safetensors'));

/** The largest difference allowed, as a part of the largest expected value. */
const relative = 2e-5;

/** Two tensors in one segment, each from a multiple of 64 elements on. */
const places = { w: 0, b: 64 };

function arena(values: (name: 'w' | 'b') => Float32Array): Float32Array<ArrayBuffer> {
  const data = new Float32Array(128);
  for (const name of ['w', 'b'] as const) data.set(values(name), places[name]);
  return data;
}

/** States and update of a variant, with the defaults that PyTorch has. */
function updateOf({ optimizer, kwargs }: Variant): {
  count: number;
  update: (segment: Segment, step: StepTensors) => void;
} {
  const { betas = [0.9, 0.999], eps = 1e-8, amsgrad = false, momentum = 0 } = kwargs;
  const decoupled = optimizer === 'AdamW';
  const weightDecay = kwargs.weight_decay ?? (decoupled ? 0.01 : 0);
  if (optimizer === 'SGD') {
    const options = { momentum, weightDecay };
    return {
      count: optimizerStates.sgd(options),
      update: (segment, step) => sgd(segment, { ...step, ...options }),
    };
  }
  const [beta1, beta2] = betas;
  const options = { beta1, beta2, eps, weightDecay, decoupled, amsgrad };
  return {
    count: optimizerStates.adam(options),
    update: (segment, step) => adam(segment, { ...step, ...options }),
  };
}

async function expectVariant(gpu: Gpu, name: string, variant: Variant): Promise<void> {
  const parameters = arena((tensor) => inputs.get(`${tensor}0`)!.data);
  const flags = Uint8Array.from(parameters, () => 0);
  for (const tensor of ['w', 'b'] as const) {
    flags.fill(
      trainable | decays,
      places[tensor],
      places[tensor] + inputs.get(`${tensor}0`)!.data.length,
    );
  }
  const { count, update } = updateOf(variant);
  await withStepper(gpu, [{ parameters, flags }], count, update, async (stepper) => {
    for (let i = 0; i < about.steps; i++) {
      const slice = (values: Float32Array, size: number): Float32Array =>
        values.subarray(i * size, (i + 1) * size);
      const gradients = arena((tensor) =>
        slice(inputs.get(`grad_${tensor}`)!.data, inputs.get(`${tensor}0`)!.data.length),
      );
      const result = await stepper.step({
        rate: variant.lr[i]!,
        maxNorm: variant.clip_grad_norm ?? 0,
        gradients: [gradients],
      });
      expect(result.counters).toEqual([i + 1, 0, 0, 0]);
      const norm = variant.grad_norms?.[i];
      if (norm !== undefined) expect(result.status[0]! / norm).toBeCloseTo(1, 6);
      for (const tensor of ['w', 'b'] as const) {
        const size = inputs.get(`${tensor}0`)!.data.length;
        const all = expected.get(`${name}/${tensor}`)!.data;
        const largest = Math.max(...all.map(Math.abs));
        const got = result.parameters[0]!.subarray(places[tensor], places[tensor] + size);
        const error = Math.max(...slice(all, size).map((value, j) => Math.abs(value - got[j]!)));
        expect(error, `${name}, step ${i + 1}, ${tensor}`).toBeLessThanOrEqual(relative * largest);
      }
      const padding = result.parameters[0]!.filter((_, j) => flags[j] === 0);
      expect([...padding]).toEqual(Array.from(padding, () => 0));
    }
  });
}

for (const { name, options } of await testGpus()) {
  test(`Adam, AdamW and SGD of PyTorch, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const variants = Object.entries(about.variants);
      expect(variants).toHaveLength(9);
      for (const [variant, settings] of variants) await expectVariant(gpu, variant, settings);
    }));
}
