// Whole checkpoints whose config.json and weights do not go together: they are refused with a typed error that
// leaves nothing behind, or load and compute what the honest one computes, with a warning of what is left over.
import { afterAll, beforeAll, expect } from 'vitest';
import { Gpu, loadModel, type ModelInputs, TransformerError } from 'webgpu-transformer';
import { readTensorsOf } from '../support/entries.ts';
import { cases, nasty } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';
import { type StoredTensor, safetensorsFile } from '../support/safetensors.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

type Tensors = Record<string, StoredTensor>;

/** What a change does: honest weights may still give the honest result. */
type Effect = 'same' | 'other';

const inputIds = [[5, 6, 7, 8]];
const folders: readonly (readonly [string, ModelInputs])[] = [
  ['bert_seqcls', { inputIds }],
  ['gpt2', { inputIds }],
  ['llama_gqa', { inputIds }],
  ['marian', { inputIds, decoderInputIds: [[1, 2]] }],
];

const counts = /layers?$|^n_layer$/;
const types: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8, I64: 8, I8: 1 };

interface Honest {
  readonly inputs: ModelInputs;
  readonly config: Uint8Array<ArrayBuffer>;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly tensors: Tensors;
  readonly result: unknown;
}

let gpu: Gpu;
const checkpoints: Honest[] = [];

beforeAll(async () => {
  gpu = await Gpu.request();
  for (const [folder, inputs] of folders) {
    const files = await fixtureFiles(folder, ['config.json', 'model.safetensors']);
    const config = files['config.json']!;
    using model = await loadModel(memorySource(files), { gpu });
    const result = await model.forward(inputs);
    const fields = JSON.parse(new TextDecoder().decode(config)) as Record<string, unknown>;
    const tensors = readTensorsOf(files['model.safetensors']!);
    checkpoints.push({ inputs, config, fields, tensors, result });
  }
});

afterAll(() => gpu.dispose());

/** Changes the tensors, or returns fields of config.json that change. */
function disagree(
  random: Random,
  tensors: Tensors,
  fields: Readonly<Record<string, unknown>>,
): { fields: Record<string, unknown>; effect: Effect } {
  const names = Object.keys(tensors);
  const name = random.pick(names);
  const tensor = tensors[name]!;
  const other = random.pick(names);
  const layers = Object.keys(fields).filter(
    (key) => counts.test(key) && typeof fields[key] === 'number',
  );
  const field = random.pick(layers);
  const made = (effect: Effect, changed: Record<string, unknown> = {}) => ({
    fields: changed,
    effect,
  });
  return random.pick<() => { fields: Record<string, unknown>; effect: Effect }>([
    () => {
      delete tensors[name];
      return made('other');
    },
    () => {
      const added = random.pick([
        'extra.weight',
        `${name}.scale`,
        `${name}_old`,
        'a.0.b',
        '\u0000',
      ]);
      tensors[added] = random.pick([tensor, { dtype: 'U8', shape: [0], bytes: new Uint8Array() }]);
      return made('same');
    },
    () => {
      const shape = random.pick([
        tensor.shape.toReversed(),
        [...tensor.shape, 1],
        [1, ...tensor.shape],
        [tensor.bytes.length / (types[tensor.dtype] ?? 1)],
      ]);
      tensors[name] = { ...tensor, shape };
      return made('other');
    },
    () => {
      const dtype = random.pick(Object.keys(types));
      const size = tensor.shape.reduce((a, b) => a * b, 1) * (types[dtype] ?? 1);
      tensors[name] = { ...tensor, dtype, bytes: new Uint8Array(size) };
      return made('other');
    },
    () => made('other', { [field]: Number(fields[field]) + random.pick([-1, 1, 5]) }),
    () => {
      const number = random.pick([1, 2, 7, 99]);
      const moved = name.replace(/\.\d+\./, `.${number}.`);
      tensors[moved] = tensor;
      return made(moved === name || !/\.\d+\./.test(name) ? 'same' : 'other');
    },
    () => {
      [tensors[name], tensors[other]] = [tensors[other]!, tensor];
      return made('other');
    },
    () => {
      for (const key of names) {
        tensors[`model.${key}`] = tensors[key]!;
        delete tensors[key];
      }
      return made('other');
    },
    () => made('other', { architectures: random.pick([nasty(random), [], ['BertModel'], null]) }),
    () => made('other', { vocab_size: random.pick([1, 10, 1000, nasty(random)]) }),
  ])();
}

cases('config.json and weights that disagree', 120, async (random) => {
  const honest = random.pick(checkpoints);
  const tensors = { ...honest.tensors };
  const changes = Array.from({ length: random.integer(1, 2) }, () =>
    disagree(random, tensors, honest.fields),
  );
  const fields = Object.assign({}, ...changes.map((change) => change.fields)) as object;
  const files = {
    'config.json': withFields(honest.config, { ...fields }),
    'model.safetensors': safetensorsFile(tensors),
  };
  try {
    const training = random.next() < 0.2;
    using model = await loadModel(memorySource(files), { gpu, training });
    const isSame = changes.every(({ effect }) => effect === 'same');
    const added = Object.keys(tensors).length > Object.keys(honest.tensors).length;
    if (isSame && added) expect(model.warnings.join()).toContain('does not use');
    if (isSame && !training) expect(await model.forward(honest.inputs)).toEqual(honest.result);
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    expect((error as TransformerError).code).toMatch(
      /^(CONFIG_INVALID|MODEL_UNSUPPORTED|TENSOR_\w+|LIMIT_EXCEEDED|FILE_INVALID)$/,
    );
    const isSame = changes.every(({ effect }) => effect === 'same');
    if (isSame) throw error;
  }
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
});
