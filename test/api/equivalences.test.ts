// The same thing computed in two ways: alone and in a batch, padded on either side, with caches and
// without, as a stream and at once.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { expectClose } from '../support/expected.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { Random } from '../support/random.ts';
import { fixtureSource } from '../support/source.ts';

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));

/** Texts of unlike lengths from words that every checkpoint has. */
const texts = [3, 11, 7, 1].map((length, seed) =>
  [...new Random(seed + 1).indices(length, 90)].map((id) => id + 5),
);
const longest = Math.max(...texts.map((text) => text.length));

type Side = 'left' | 'right';

/** All texts as one batch, filled up on one side. */
function batchOf(side: Side, pad: number): { inputIds: number[][]; attentionMask: number[][] } {
  const fill = (text: number[], value: number, own: (id: number) => number): number[] => {
    const padding = Array<number>(longest - text.length).fill(value);
    const row = text.map(own);
    return side === 'left' ? [...padding, ...row] : [...row, ...padding];
  };
  return {
    inputIds: texts.map((text) => fill(text, pad, (id) => id)),
    attentionMask: texts.map((text) => fill(text, 0, () => 1)),
  };
}

/** The rows of one text among those of a batch: (B, T, d) → (1, length, d) */
function ownRows({ data, shape }: DenseTensor, index: number, side: Side): DenseTensor {
  const [, rows = 0, width = 0] = shape;
  const { length } = texts[index]!;
  const first = index * rows + (side === 'left' ? rows - length : 0);
  return { data: data.slice(first * width, (first + length) * width), shape: [1, length, width] };
}

const stacks = ['bert_base', 'distilbert_seqcls', 'roberta_base', 'gpt2', 'llama_gqa', 'qwen2'];
const causal = ['gpt2', 'llama_gqa', 'llama_rope_llama3', 'qwen2'];
const translators = ['marian', 'bart', 't5_gated'];

/** Positions that begin with each text, as models of one stack take them. */
function withPositions(inputs: ModelInputs, side: Side): ModelInputs {
  const positionIds = inputs.attentionMask!.map((row) => {
    const first = side === 'left' ? row.indexOf(1) : 0;
    return row.map((_, place) => Math.max(0, place - first));
  });
  return { ...inputs, positionIds };
}

for (const { name: device, onGpu } of gpus) {
  test.each(stacks)(`%s: states of a text alone and in a batch, ${device}`, (name) =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      // RoBERTa counts positions by its padding token.
      const counts = name.startsWith('roberta');
      for (const side of ['left', 'right'] as const) {
        const batch = batchOf(side, counts ? 1 : 0);
        const inputs = counts ? batch : withPositions(batch, side);
        const { lastHiddenState } = await model.forward(inputs);
        for (const [index, text] of texts.entries()) {
          const alone = (await model.forward({ inputIds: [text] })).lastHiddenState!;
          expectClose(ownRows(lastHiddenState!, index, side), alone, `${side} ${index}`);
        }
      }
    }),
  );

  test.each(translators)(`%s: states of a source alone and in a batch, ${device}`, (name) =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      const decoderInputIds = texts.map(() => [2, 9, 4]);
      const batch = await model.forward({ ...batchOf('right', 0), decoderInputIds });
      for (const [index, text] of texts.entries()) {
        const alone = await model.forward({ inputIds: [text], decoderInputIds: [[2, 9, 4]] });
        const states = batch.encoderLastHiddenState!;
        expectClose(ownRows(states, index, 'right'), alone.encoderLastHiddenState!, `${index}`);
        const { data, shape } = batch.logits!;
        const size = data.length / texts.length;
        const own = {
          data: data.slice(index * size, (index + 1) * size),
          shape: [1, ...shape.slice(1)],
        };
        expectClose(own, alone.logits!, `logits ${index}`);
      }
    }),
  );

  test.each([...causal, ...translators])(`%s: generation alone and in a batch, ${device}`, (name) =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      const isCausal = causal.includes(name);
      const batch = batchOf(isCausal ? 'left' : 'right', 0);
      const free = { noRepeatNgramSize: 0, minLength: 0 };
      for (const generation of [
        { ...free, maxNewTokens: 6 },
        { ...free, maxNewTokens: 5, numBeams: 3 },
      ]) {
        const { sequences } = await model.generate(batch, generation);
        for (const [index, text] of texts.entries()) {
          const alone = await model.generate({ inputIds: [text] }, generation);
          const generated = alone.sequences[0]!.slice(isCausal ? text.length : 0);
          const own = sequences[index]!.slice(isCausal ? longest : 0);
          // What is shorter than the longest of the batch is filled up.
          expect(own.slice(0, generated.length)).toEqual(generated);
          expect(new Set(own.slice(generated.length)).size).toBeLessThanOrEqual(1);
        }
      }
    }),
  );

  test(`logits of the last tokens alone are those of all, ${device}`, () =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
      const inputs = withPositions(batchOf('left', 0), 'left');
      const { data, shape } = (await model.forward(inputs)).logits!;
      const [batch = 0, length = 0, width = 0] = shape;
      for (const kept of [1, 3, longest]) {
        const { logits } = await model.forward(inputs, { logitsToKeep: kept });
        expect(logits!.shape).toEqual([batch, kept, width]);
        const wanted = Array.from({ length: batch }, (_, row) => [
          ...data.subarray(((row + 1) * length - kept) * width, (row + 1) * length * width),
        ]).flat();
        expectClose(
          logits,
          { data: Float32Array.from(wanted), shape: logits!.shape },
          `last ${kept}`,
        );
      }
      await expectRejection(
        model.forward(inputs, { logitsToKeep: longest + 1 }),
        'OPTION_INVALID',
        'logitsToKeep',
        `1 to ${longest}`,
      );
      const labels = inputs.inputIds!;
      await expectRejection(
        model.forward({ ...inputs, labels }, { logitsToKeep: 1 }),
        'OPTION_INVALID',
        'without labels',
      );
      using classifier = await loadModel(fixtureSource('bert_tokcls'), { gpu });
      const inputIds = [texts[0]!];
      const { logits: each } = await classifier.forward({ inputIds });
      const { logits: last } = await classifier.forward({ inputIds }, { logitsToKeep: 1 });
      const [, , classes = 0] = each!.shape;
      expect(last!.shape).toEqual([1, 1, classes]);
      expectClose(
        last,
        { data: each!.data.slice(-classes), shape: [1, 1, classes] },
        'the last token',
      );
      using texted = await loadModel(fixtureSource('bert_seqcls'), { gpu });
      await expectRejection(
        texted.forward({ inputIds }, { logitsToKeep: 1 }),
        'OPTION_INVALID',
        'classifier of tokens',
      );
    }));

  test.each(causal)(`%s: decoding with caches is the forward pass, ${device}`, (name) =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      const prompt = texts[1]!;
      const { sequences } = await model.generate(
        { inputIds: [prompt] },
        { maxNewTokens: 8, eosTokenId: 119, repetitionPenalty: 1 },
      );
      const [sequence = []] = sequences;
      const { logits } = await model.forward({ inputIds: [sequence] });
      for (let place = prompt.length; place < sequence.length; place++) {
        expect(sequence[place]).toBe(best(logits!, place - 1));
      }
      const streamed = await collect(model, prompt);
      expect(streamed).toEqual(sequence.slice(prompt.length, prompt.length + streamed.length));
    }),
  );
}

/** The column of the largest value of a row. */
function best({ data, shape }: DenseTensor, row: number): number {
  const width = shape.at(-1)!;
  const values = data.subarray(row * width, (row + 1) * width);
  return values.indexOf(values.reduce((most, value) => Math.max(most, value), -Infinity));
}

async function collect(model: Model, prompt: number[]): Promise<number[]> {
  const tokens: number[] = [];
  const generation = { maxNewTokens: 8, eosTokenId: 119, repetitionPenalty: 1 };
  for await (const { tokenIds } of model.stream({ inputIds: [prompt] }, generation)) {
    tokens.push(...tokenIds);
  }
  return tokens;
}
