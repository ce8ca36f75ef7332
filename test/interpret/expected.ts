// What Python's hooks and gradients give on the same checkpoints.

import type { DenseTensor } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { readValues } from '../support/source.ts';

/** What was looked at in a language model. */
interface Looked {
  readonly model: string;
  readonly ids: number[];
  readonly corrupted: number[];
  readonly target: { id: number; against: number };
  readonly direct: readonly (readonly [part: string, value: number])[];
  readonly logit: number;
  readonly patched: number[][];
  readonly clean: number;
  readonly dirty: number;
  readonly ablated_zero: number[][];
  readonly ablated_mean: number[][];
}

export const looked: [name: string, about: Looked][] = Object.entries(
  (await readFixtureJson('interpret/expected.json')) as Record<string, Looked>,
);

const values = readValues(await readFixture('interpret/expected.safetensors'));

export function expectedTensor(name: string): DenseTensor {
  const tensor = values.get(name);
  if (tensor === undefined) throw new Error(`${name} is not in the fixture`);
  return tensor;
}
