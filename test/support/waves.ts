// Small checkpoints whose weights are a formula of their names, so that Python can make the same:
// 0.4 sin(0.7 i + c) for element i of a tensor, c the sum of the codes of its name's characters.

import { initialCheckpoint } from 'webgpu-transformer/training';
import type { JsonObject } from '../../src/source/json.ts';
import { safetensors } from '../../src/source/safetensors-writer.ts';
import { type Files, readValues, type Values } from './source.ts';

export function wave(name: string, shape: readonly number[]): Values {
  const size = shape.reduce((product, side) => product * side, 1);
  const code = new TextEncoder().encode(name).reduce((sum, byte) => sum + byte, 0);
  return {
    shape,
    data: Float32Array.from({ length: size }, (_, i) => 0.4 * Math.sin(0.7 * i + code)),
  };
}

/** The tensors that a config.json calls for; tied ones under the first of their names. */
export async function waves(config: JsonObject): Promise<Map<string, Values>> {
  const file = await initialCheckpoint(config).read('model.safetensors');
  const drawn = readValues(new Uint8Array(file as Uint8Array<ArrayBuffer>));
  return new Map([...drawn].map(([name, { shape }]) => [name, wave(name, shape)]));
}

export function checkpoint(config: JsonObject, tensors: ReadonlyMap<string, Values>): Files {
  return {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': safetensors(tensors),
  };
}
