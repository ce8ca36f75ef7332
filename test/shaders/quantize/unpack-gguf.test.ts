// Blocks of GGUF files into ours: every type, rows out of the middle, blocks smaller than the file's.
import { expect, test } from 'vitest';
import type { BlockDtype } from '../../../src/runtime/dtype.ts';
import { type GgufName, unpackGguf } from '../../../src/shaders/quantize/unpack-gguf.ts';
import { blockTypes } from '../../../src/source/gguf/types.ts';
import { expectOperation } from '../../support/check.ts';
import { ggufBlocks } from '../../support/gguf.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

const cases: readonly (readonly [type: GgufName, to: readonly BlockDtype[]])[] = [
  ['q4_0', ['int4-32-f16', 'int8-16-f32']],
  ['q4_1', ['int4-32-f16']],
  ['q5_0', ['int8-32-f16']],
  ['q5_1', ['int8-32-f16', 'int8-16-f16']],
  ['q8_0', ['int8-32-f16']],
  ['q2_k', ['int4-16-f32']],
  ['q3_k', ['int4-16-f32', 'int8-16-f32']],
  ['q4_k', ['int4-32-f32', 'int8-16-f32']],
  ['q5_k', ['int8-32-f32']],
  ['q6_k', ['int8-16-f32']],
];

test.each(cases)('%s', (type, formats) =>
  withGpu(device!.options, async (gpu) => {
    const { elements, bytes } = Object.values(blockTypes).find(({ name }) => name === type)!;
    const columns = 512;
    const rowBlocks = columns / elements;
    const random = new Random(elements + bytes);
    const words = new Uint32Array(ggufBlocks(type, 9 * rowBlocks, random).buffer);
    for (const to of formats) {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const { recording } = bench;
        const packed = bench.input('packed', [words.length], words);
        const blocks = recording.use(bench.weight([8, columns], new Float32Array(8 * columns), to));
        const codes = { layout: 'gguf', type, elements, bytes } as const;
        unpackGguf(recording, { packed, blocks }, codes, { first: 3, count: 5, place: 2 });
        return [blocks];
      });
      const values = (outputs[0] as Float64Array).subarray(2 * columns, 7 * columns);
      expect(new Set(values).size).toBeGreaterThan(100);
    }
  }),
);
