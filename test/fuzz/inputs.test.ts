// Inputs and options of tiny models, right and wrong by chance: a typed error, or results of the right shape
// that are finite; together as alone, padded as unpadded, and masked as absent.
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type DenseTensor,
  Gpu,
  loadModel,
  type Model,
  type ModelInputs,
  TransformerError,
} from 'webgpu-transformer';
import { fixtureSource } from '../support/source.ts';
import { cases, nasty } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';

interface Tried {
  readonly model: Model;
  readonly vocabulary: number;
  readonly isPair: boolean;
}

let gpu: Gpu;
let all: Tried[] = [];

beforeAll(async () => {
  gpu = await Gpu.request();
  all = await Promise.all(
    ['marian', 'gpt2', 'bert_base'].map(async (folder) => {
      const model = await loadModel(fixtureSource(folder), { gpu });
      const vocabulary = Number(model.config['vocab_size']);
      return { model, vocabulary, isPair: folder === 'marian' };
    }),
  );
});

afterAll(() => {
  for (const { model } of all) model.dispose();
  const { bytes } = gpu.memory;
  gpu.dispose();
  if (bytes > 0) throw new Error(`${bytes} bytes are left.`);
});

type Rows = number[][];

/** Rows of one length; few lengths, so that few lists are recorded. */
function rows(random: Random, vocabulary: number, batch: number, length: number): Rows {
  return Array.from({ length: batch }, () => [...random.indices(length, vocabulary)]);
}

function inputsOf(random: Random, { vocabulary, isPair }: Tried): ModelInputs {
  const batch = random.integer(1, 3);
  const inputIds = rows(random, vocabulary, batch, random.integer(1, 7));
  const decoderInputIds = rows(random, vocabulary, batch, random.integer(1, 3));
  return { inputIds, ...(isPair && { decoderInputIds }) };
}

/** One thing about the inputs that may be wrong. */
function change(random: Random, inputs: Record<string, unknown>, { vocabulary }: Tried): void {
  const name = random.pick(Object.keys(inputs));
  const [first = []] = inputs[name] as Rows;
  const at = random.integer(0, first.length - 1);
  const odd = [-1, vocabulary, vocabulary - 1, 0.5, NaN, 2 ** 32, 2 ** 53, Infinity, -0];
  random.pick<() => unknown>([
    () => (first[at] = random.pick(odd)),
    () => (first[at] = nasty(random) as number),
    () => first.push(1),
    () => (inputs[name] = Array<number>(1)),
    () => (inputs[name] = [Array<number>(first.length)]),
    () => (inputs[name] = nasty(random)),
    () => delete inputs[name],
    () => (inputs[name] = []),
    () => (inputs[name] = rows(random, vocabulary, 1, random.pick([0, 17, 300, 5000]))),
    () => (inputs['attentionMask'] = random.pick([nasty(random), [first.map(() => 0)], [[1]]])),
    () => (inputs['tokenTypeIds'] = random.pick([nasty(random), [first.map(() => 1)]])),
    () => (inputs[random.pick(['labels', 'positionIds', 'input_ids'])] = nasty(random)),
    () => (inputs['inputsEmbeds'] = { data: new Float32Array(8), shape: [1, 1, 8] }),
  ])();
}

async function answer<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    const { code } = error as TransformerError;
    expect(code).toMatch(/^(INPUT_INVALID|OPTION_\w+|LIMIT_EXCEEDED|MODEL_UNSUPPORTED)$/);
    return undefined;
  }
}

cases('inputs of forward', 150, async (random) => {
  const tried = random.pick(all);
  const inputs = inputsOf(random, tried) as Record<string, unknown>;
  const isChanged = random.next() < 0.8;
  if (isChanged) change(random, inputs, tried);
  const options = random.next() < 0.1 ? { attentions: true, hiddenStates: true } : {};
  const output = await answer(() => tried.model.forward(inputs, options));
  if (output === undefined) return expect(isChanged).toBe(true);
  const tensors = Object.values(output as Record<string, DenseTensor | DenseTensor[]>).flat();
  for (const value of tensors) {
    expect(value.shape.reduce((size, n) => size * n, 1)).toBe(value.data.length);
    expect(value.data.every(Number.isFinite)).toBe(true);
  }
});

/** Options that go together or not. */
function optionsOf(random: Random): Record<string, unknown> {
  const odd = (...values: unknown[]): unknown => random.pick([...values, nasty(random)]);
  const choices: [string, () => unknown][] = [
    ['maxNewTokens', () => odd(1, 2, 3)],
    ['maxLength', () => odd(8, 9)],
    ['minNewTokens', () => odd(0, 2)],
    ['numBeams', () => odd(1, 2)],
    ['doSample', () => odd(true, false)],
    ['numReturnSequences', () => odd(1, 2)],
    ['temperature', () => odd(0.5, 2, 1e-9)],
    ['topK', () => odd(1, 5, 0)],
    ['topP', () => odd(0.5, 1, 0)],
    ['repetitionPenalty', () => odd(1.5, 0.5)],
    ['noRepeatNgramSize', () => odd(1, 2)],
    ['eosTokenId', () => odd(0, [1, 2], null)],
    ['badWordsIds', () => odd([[1]], [[1, 2]], [])],
    ['seed', () => odd(1, 2)],
  ];
  const options: Record<string, unknown> = { maxNewTokens: 2 };
  for (let i = random.integer(0, 3); i > 0; i--) {
    const [name, value] = random.pick(choices);
    options[name] = value();
  }
  return options;
}

cases('options of generate', 80, async (random) => {
  const tried = random.pick(all.slice(0, 2));
  const inputIds = rows(random, tried.vocabulary, random.integer(1, 2), random.integer(1, 5));
  const options = optionsOf(random);
  const result = await answer(() => tried.model.generate({ inputIds }, options));
  if (result === undefined) return;
  const count = Number(options['numReturnSequences'] ?? 1) * inputIds.length;
  expect(result.sequences).toHaveLength(count);
  const [{ length } = []] = result.sequences;
  for (const sequence of result.sequences) {
    expect(sequence).toHaveLength(length);
    expect(sequence.every((id) => id >= 0 && id < tried.vocabulary)).toBe(true);
  }
});

/** The rows with padding behind them, and the mask that hides it. */
function padded(random: Random, { inputIds = [] }: ModelInputs, vocabulary: number): ModelInputs {
  const more = random.integer(1, 4);
  return {
    inputIds: inputIds.map((row) => [...row, ...random.indices(more, vocabulary)]),
    attentionMask: inputIds.map((row) => [...row.map(() => 1), ...Array<number>(more).fill(0)]),
  };
}

cases('together as alone, padded as unpadded', 25, async (random) => {
  const tried = random.pick(all);
  const { model, vocabulary, isPair } = tried;
  const inputs = inputsOf(random, tried);
  const { inputIds = [], decoderInputIds } = inputs;
  const more = isPair ? { decoderInputIds } : {};
  const together = await model.forward({
    ...padded(random, inputs, vocabulary),
    ...more,
  } as ModelInputs);
  const row = random.integer(0, inputIds.length - 1);
  const own = {
    inputIds: [inputIds[row]!],
    ...(isPair && { decoderInputIds: [decoderInputIds![row]!] }),
  };
  const alone = await model.forward(own);
  const [a, b] = [together, alone].map((out) => (out.logits ?? out.lastHiddenState)!);
  const [, length = 0, width = 0] = b!.shape;
  const stride = a!.shape[1]! * width;
  const got = a!.data.subarray(row * stride, row * stride + length * width);
  got.forEach((value, i) => expect(value).toBeCloseTo(b!.data[i]!, 3));
});
