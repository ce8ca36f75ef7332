// Inputs and outputs of a case under Hugging Face's names, brought to this library's.

import type { DenseTensor, ModelInputs, ModelOutput } from 'webgpu-transformer';
import { type ExpectedCase, expectTensor } from './expected.ts';
import { expect } from 'vitest';

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The arguments of a call as `forward` takes them. */
export function callInputs({ inputs }: ExpectedCase, call: string): ModelInputs {
  const args = Object.entries(inputs[call] as Record<string, unknown>);
  return Object.fromEntries(args.map(([name, value]) => [camelCase(name), value]));
}

/** Expects all that the case holds of a call. */
export function expectCall(output: ModelOutput, call: string, expected: ExpectedCase): void {
  const masks = expected.inputs[call] as Record<string, unknown>;
  const names = [...expected.values.keys()].filter((name) => name.startsWith(`${call}/`));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const [key = '', index] = name.slice(call.length + 1).split('.');
    const found = (output as Record<string, DenseTensor | DenseTensor[] | undefined>)[
      camelCase(key)
    ];
    expectTensor(Array.isArray(found) ? found[Number(index)] : found, name, expected, masks);
  }
}
