// Codes of files into blocks and out of them: every layout, rows out of the middle, columns in another order.
import { expect, test } from 'vitest';
import { type BlockDtype, blocksOf, pitchOf } from '../../../src/runtime/dtype.ts';
import { dequantize, type PackedCodes, repack } from '../../../src/shaders/quantize/repack.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

interface Case {
  readonly columns: number;
  readonly to: BlockDtype;
  readonly codes: Omit<PackedCodes, 'stride'>;
  /** Blocks that share a scale, where these are several. */
  readonly together?: number;
}

/** Rows of a file's matrix. */
const rows = 16;

const cases: readonly Case[] = [
  { columns: 64, to: 'int4-32-f32', codes: { layout: 'across', bits: 4 } },
  { columns: 48, to: 'int4-32-f16', codes: { layout: 'along', bits: 2 } },
  { columns: 40, to: 'int4-16-f32', codes: { layout: 'interleaved', bits: 4 } },
  { columns: 33, to: 'int8-32-f32', codes: { layout: 'along', bits: 8, signed: true } },
  { columns: 64, to: 'mxfp4-32', codes: { layout: 'along', bits: 4, swapped: true } },
  { columns: 130, to: 'fp8-128', codes: { layout: 'along', bits: 8 } },
  { columns: 64, to: 'int8-64-f16', codes: { layout: 'across', bits: 8 } },
  { columns: 80, to: 'int8-16-f32', codes: { layout: 'along', bits: 4 }, together: 2 },
];

test('codes of every layout, into blocks and on into plain formats', () =>
  withGpu(device!.options, async (gpu) => {
    for (const [seed, { columns, to, codes, together = 1 }] of cases.entries()) {
      const random = new Random(seed);
      const own = blocksOf(to);
      const sharedSize = own.size * together;
      const rowBlocks = Math.ceil(columns / sharedSize);
      const stride = codes.layout === 'along' ? columns : rows;
      const words = Uint32Array.from(
        { length: Math.ceil((rows * columns * codes.bits) / 32) },
        () => random.integer(0, 2 ** 32 - 1),
      );
      if (to.startsWith('fp8')) {
        // One code that is no number, in the first row that is taken: none of its block is one.
        for (const i of words.keys()) words[i]! &= 0xbfbfbfbf;
        words[180] = 0x7f;
      }
      // Numbers that halves hold.
      const heads = own.headWords === 1 && own.scales === 'f32' ? 1 : 2;
      const shared = Float32Array.from(
        { length: rows * rowBlocks * heads },
        () => random.integer(-256, 255) / 64,
      );
      const order = Uint32Array.from({ length: columns }, (_, i) => columns - 1 - i);
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const { recording } = bench;
          const column = bench.input('order', [columns], order);
          const blocks = recording.use(
            bench.weight([9, columns], new Float32Array(9 * columns), to),
          );
          const tensors = {
            packed: bench.input('packed', [words.length], words),
            shared: bench.input('shared', [shared.length], shared),
            order: column,
            blocks,
          };
          const move = { first: 5, count: 7, place: 2 };
          repack(recording, tensors, { ...codes, stride }, sharedSize, move);
          const plain = (['f32', 'f16'] as const).map((dtype) =>
            recording.use(bench.weight([8, columns], new Float32Array(8 * columns), dtype)),
          );
          for (const each of plain) {
            dequantize(recording, { blocks, placeOf: column, plain: each }, { count: 7, place: 1 });
          }
          return plain;
        },
        { seed },
      );
      const [floats, halves] = outputs as Float64Array[];
      // Neither is all zeros, and both say the same.
      expect(new Set(floats).size).toBeGreaterThan(20);
      expect(floats![columns]).toBeCloseTo(halves![pitchOf('f16', columns)]!, 1);
    }
  }));
