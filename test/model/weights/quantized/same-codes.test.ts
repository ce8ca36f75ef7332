// The same codes and scales as files of several methods hold them: each of them gives the same logits.
import { expect, test } from 'vitest';
import { type DenseTensor, type Gpu, loadModel } from 'webgpu-transformer';
import { float32ToBfloat16 } from '../../../../src/source/float16.ts';
import { testGpus, withGpu } from '../../../support/gpu.ts';
import { changedFixture, quantizedFixture } from '../../../support/quantized.ts';
import type { StoredTensor } from '../../../support/safetensors.ts';
import { memorySource, withFields } from '../../../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

type Tensors = Record<string, StoredTensor>;

/** What a changed fixture computes. */
async function logitsOf(
  gpu: Gpu,
  name: string,
  settings: object,
  change: (tensors: Tensors) => void,
): Promise<DenseTensor> {
  const files = await changedFixture(name, change);
  const config = withFields(files['config.json'], { quantization_config: settings });
  using model = await loadModel(memorySource({ ...files, 'config.json': config }), { gpu });
  const { input_ids: inputIds } = await quantizedFixture(name);
  return (await model.forward({ inputIds })).logits!;
}

/** Puts tensors in place of those whose names end so. */
function replacing(
  ends: Readonly<Record<string, (tensor: StoredTensor) => Record<string, StoredTensor>>>,
): (tensors: Tensors) => void {
  return (tensors) => {
    for (const [name, tensor] of Object.entries(tensors)) {
      const end = Object.keys(ends).find(
        (each) => name.endsWith(each) && !/embed|lm_head/.test(name),
      );
      if (end === undefined) continue;
      delete tensors[name];
      for (const [to, made] of Object.entries(ends[end]!(tensor))) {
        tensors[name.slice(0, -end.length) + to] = made;
      }
    }
  };
}

const shaped = (tensor: StoredTensor, shape: number[], dtype = tensor.dtype): StoredTensor => ({
  ...tensor,
  dtype,
  shape,
});

const group = (weights: object): object => ({
  group_0: { targets: ['Linear'], weights, input_activations: null },
});

test('floats of 4 bits in blocks of 32', () =>
  withGpu(usual, async (gpu) => {
    const wanted = await logitsOf(gpu, 'mxfp4', { quant_method: 'mxfp4' }, () => {});
    const sides = ({ shape: [rows = 0, blocks = 0] }: StoredTensor) => ({ rows, blocks });
    const mlx = await logitsOf(
      gpu,
      'mxfp4',
      { group_size: 32, bits: 4, mode: 'mxfp4' },
      replacing({
        '.weight_blocks': (one) => {
          const { rows, blocks } = sides(one);
          return { '.weight': shaped(one, [rows, 4 * blocks], 'U32') };
        },
        '.weight_scales': (one) => ({ '.scales': one }),
      }),
    );
    expect(mlx).toEqual(wanted);
    const compressed = await logitsOf(
      gpu,
      'mxfp4',
      {
        quant_method: 'compressed-tensors',
        format: 'mxfp4-pack-quantized',
        config_groups: group({ num_bits: 4, type: 'float', strategy: 'group', group_size: 32 }),
      },
      replacing({
        '.weight_blocks': (one) => {
          const { rows, blocks } = sides(one);
          return { '.weight_packed': shaped(one, [rows, 16 * blocks]) };
        },
        '.weight_scales': (one) => ({ '.weight_scale': one }),
      }),
    );
    expect(compressed).toEqual(wanted);
  }));

test('floats of 8 bits with powers of two, for 32 each', () =>
  withGpu(usual, async (gpu) => {
    /** Powers for blocks of 32 in place of the scales of the outputs, as bytes or in BF16. */
    const powers = (rows: number, blocks: number, asFloats = false): StoredTensor => {
      const bytes = Uint8Array.from({ length: rows * blocks }, (_, i) => 116 + (i % 4));
      const floats = float32ToBfloat16(Float32Array.from(bytes, (byte) => 2 ** (byte - 127)));
      return asFloats
        ? { dtype: 'BF16', shape: [rows, blocks], bytes: new Uint8Array(floats.buffer) }
        : { dtype: 'U8', shape: [rows, blocks], bytes };
    };
    const run = (
      settings: object,
      end: string,
      scalesOf: (rows: number, blocks: number) => StoredTensor,
      codesOf: (codes: StoredTensor) => StoredTensor = (codes) => codes,
    ): Promise<DenseTensor> =>
      logitsOf(
        gpu,
        'ct_fp8',
        settings,
        replacing({
          '_proj.weight': (codes) => {
            const [rows = 0, columns = 0] = codes.shape;
            const scales = scalesOf(rows, columns / 32);
            return { '_proj.weight': codesOf(codes), [`_proj${end}`]: scales };
          },
          '.weight_scale': () => ({}),
        }),
      );
    const tiles = { quant_method: 'fp8', weight_block_size: [1, 32] };
    const wanted = await run(tiles, '.weight_scale_inv', (...sides) => powers(...sides, true));
    const asPowers = (rows: number, blocks: number): StoredTensor => ({
      ...powers(rows, blocks),
      dtype: 'F8_E8M0',
    });
    expect(await run(tiles, '.weight_scale_inv', asPowers)).toEqual(wanted);
    const mlx = { group_size: 32, bits: 8, mode: 'mxfp8' };
    const inWords = (codes: StoredTensor): StoredTensor =>
      shaped(codes, [codes.shape[0]!, codes.shape[1]! / 4], 'U32');
    expect(await run(mlx, '.scales', powers, inWords)).toEqual(wanted);
  }));

test('groups that lie apart, in words along rows', () =>
  withGpu(usual, async (gpu) => {
    const weights = { num_bits: 4, strategy: 'group', group_size: 32, symmetric: false };
    const settings = (actorder: string | null): object => ({
      quant_method: 'compressed-tensors',
      format: 'pack-quantized',
      config_groups: group({ ...weights, actorder }),
    });
    const wanted = await logitsOf(gpu, 'ct_int4', settings(null), () => {});
    /** The columns of a matrix from the last one on, of so many bytes each. */
    const turned = (tensor: StoredTensor, size: number): StoredTensor => {
      const [rows = 0, columns = 0] = tensor.shape;
      const bytes = new Uint8Array(tensor.bytes.length);
      for (let at = 0; at < rows * columns; at++) {
        const column = at % columns;
        const from = (at - column + (columns - 1 - column)) * size;
        bytes.set(tensor.bytes.subarray(from, from + size), at * size);
      }
      return { ...tensor, bytes };
    };
    const got = await logitsOf(
      gpu,
      'ct_int4',
      settings('group'),
      replacing({
        '.weight_scale': (one) => {
          const groups = one.shape[1]!;
          const of = Int32Array.from(
            { length: 32 * groups },
            (_, i) => groups - 1 - Math.floor(i / 32),
          );
          const index = { dtype: 'I32', shape: [of.length], bytes: new Uint8Array(of.buffer) };
          return { '.weight_scale': turned(one, 2), '.weight_g_idx': index };
        },
        '.weight_zero_point': (one) => ({ '.weight_zero_point': turned(one, 4) }),
      }),
    );
    const largest = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    got.data.forEach((value, i) => {
      expect(Math.abs(value - wanted.data[i]!)).toBeLessThan(1e-5 * largest);
    });
  }));
