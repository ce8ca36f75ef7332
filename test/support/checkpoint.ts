// Inputs and outputs of a case under Hugging Face's names, brought to this library's.

import type { DenseTensor, ModelInputs, ModelOutput } from 'webgpu-transformer';
import { type ExpectedCase, expectTensor, inCamelCase } from './expected.ts';
import { expect } from 'vitest';

/** The arguments of a call as `forward` takes them. */
export function callInputs({ inputs }: ExpectedCase, call: string): ModelInputs {
  return inCamelCase(inputs[call] as Record<string, unknown>);
}

/** Expects all that the case holds of a call. */
export function expectCall(output: ModelOutput, call: string, expected: ExpectedCase): void {
  const masks = expected.inputs[call] as Record<string, unknown>;
  const names = [...expected.values.keys()].filter((name) => name.startsWith(`${call}/`));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    // What one stack of two gives is an object by itself there.
    const path = name.slice(call.length + 1).replace(/^(text|vision)_model_output\./, '$1_');
    const [key = '', index] = path.split('.');
    const [own = ''] = Object.keys(inCamelCase({ [key]: true }));
    const found = (output as Record<string, DenseTensor | DenseTensor[] | undefined>)[own];
    expectTensor(Array.isArray(found) ? found[Number(index)] : found, name, expected, masks);
  }
}
