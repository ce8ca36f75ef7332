// Rows into blocks of integers: near, and as near as can be expected.
import { expect, test } from 'vitest';
import type { BlockDtype } from '../../../src/runtime/dtype.ts';
import { pitchOf } from '../../../src/runtime/dtype.ts';
import { quantize } from '../../../src/shaders/quantize/quantize.ts';
import type { Gpu } from 'webgpu-transformer';
import { decodeBlocks, encodeBlocks } from '../../support/blocks.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

interface Case {
  readonly columns: number;
  readonly to: BlockDtype;
  readonly from?: 'f32' | 'f16' | 'bf16';
  readonly values?: Float32Array<ArrayBuffer>;
}

/** Rows 2 to 4 of 6, of 5 that there is room for. Result: what they became. */
async function quantized(gpu: Gpu, seed: number, given: Case): Promise<Float64Array> {
  const { columns, to, from = 'f32' } = given;
  const random = new Random(seed);
  const values = given.values ?? random.values(5 * columns);
  const { outputs } = await expectOperation(
    gpu,
    (bench) => {
      const place = bench.input('place', [2], Uint32Array.of(2, 3));
      const rows = bench.weight([5, columns], values, from);
      const blocks = bench.weight([6, columns], new Float32Array(6 * columns), to);
      const { recording } = bench;
      const written = recording.use(blocks);
      quantize(recording, { rows, place, blocks: written });
      return [written];
    },
    { seed },
  );
  return outputs[0] as Float64Array;
}

test('every kind of integers, blocks past the end of a row, from every format', () =>
  withGpu(device!.options, async (gpu) => {
    const cases: readonly Case[] = [
      { columns: 32, to: 'int8-32-f16' },
      { columns: 33, to: 'int4-32-f16', from: 'f16' },
      { columns: 130, to: 'int4-64-f32', from: 'bf16' },
      { columns: 7, to: 'int8-16-f32' },
    ];
    for (const [i, one] of cases.entries()) {
      const got = await quantized(gpu, i, one);
      expect(got).toHaveLength(6 * pitchOf(one.to, one.columns));
    }
  }));

test('four bits are nearer than the ends of the range make them', () =>
  withGpu(device!.options, async (gpu) => {
    const columns = 256;
    const random = new Random(5);
    // As weights are: many near 0, few far.
    const values = random.values(5 * columns).map((value) => value ** 3);
    const got = await quantized(gpu, 5, { columns, to: 'int4-32-f16', values });
    const pitch = pitchOf('int4-32-f16', columns);
    const plain = decodeBlocks(encodeBlocks(values, 'int4-32-f16').buffer, 'int4-32-f16').values;
    const error = (of: Float64Array, first: number): number =>
      values
        .subarray(0, 3 * columns)
        .reduce((sum, value, i) => sum + (of[first + i]! - value) ** 2, 0);
    expect(error(got, 2 * pitch)).toBeLessThan(0.9 * error(plain, 0));
  }));

test('equal values are exact, and what is no number stays so', () =>
  withGpu(device!.options, async (gpu) => {
    const values = new Float32Array(5 * 32).fill(0.25);
    const got = await quantized(gpu, 6, { columns: 32, to: 'int4-32-f16', values });
    expect([...got.subarray(64, 160)]).toEqual(Array(96).fill(0.25));
    values[40] = NaN;
    values[70] = -Infinity;
    const wrong = await quantized(gpu, 7, { columns: 32, to: 'int8-32-f16', values });
    expect(wrong.subarray(64, 160).map((value) => (Number.isNaN(value) ? 1 : 0))).toEqual(
      new Float64Array(96).fill(0).map((_, i) => (i < 32 ? 0 : 1)),
    );
  }));
