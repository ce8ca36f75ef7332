// What generate brings back of its steps.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const { options } = (await testGpus())[0]!;

/** One row of the last but one axis, cut to `columns`. */
function rowOf(
  { data, shape }: DenseTensor,
  block: number,
  row: number,
  columns: number,
): number[] {
  const [rows = 0, width = 0] = shape.slice(-2);
  const start = (block * rows + row) * width;
  return [...data.subarray(start, start + columns)];
}

test('attentions and hidden states of every step of a language model', () =>
  withGpu(options, async (gpu) => {
    const expected = await readCase('llama_gqa');
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const { inputs } = expected.generate.find(({ name }) => name === 'greedy')!;
    const prompt = { inputIds: inputs.input_ids, attentionMask: inputs.attention_mask };
    const asked = { maxNewTokens: 5, hiddenStates: true, attentions: true };
    const { sequences, attentions, hiddenStates } = await model.generate(prompt, asked);
    const [batch, length] = [inputs.input_ids.length, inputs.input_ids[0]!.length];
    const steps = sequences[0]!.length - length;
    expect(attentions!.map(([layer]) => layer!.shape)).toEqual([
      [batch, 6, length, length],
      ...Array.from({ length: steps - 1 }, (_, i) => [batch, 6, 1, length + i + 1]),
    ]);
    expect(hiddenStates!.map(([layer]) => layer!.shape)).toEqual([
      [batch, length, 48],
      ...Array.from({ length: steps - 1 }, () => [batch, 1, 48]),
    ]);
    expect(hiddenStates![0]!.length).toBe(3);
    // Weights of a query add up to 1, and padding has none.
    const padded = inputs.attention_mask.findIndex((row) => row[0] === 0);
    expect(padded).toBeGreaterThanOrEqual(0);
    const last = attentions!.at(-1)![1]!;
    for (let row = 0; row < batch * 6; row++) {
      const weights = rowOf(last, row, 0, last.shape.at(-1)!);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
    expect(rowOf(last, padded * 6, 0, 1)).toEqual([0]);
    // The last hidden state of each step chose the token.
    const plain = await model.generate(prompt, { maxNewTokens: 5 });
    expect(plain).toEqual({ sequences });
    await expect(model.stream(prompt, asked).next()).rejects.toThrow('hiddenStates');
  }));

test('attention to the encoder alone', () =>
  withGpu(options, async (gpu) => {
    for (const name of ['marian', 'whisper']) {
      using model = await loadModel(fixtureSource(name), { gpu });
      const inputs = callInputs(await readCase(name), 'main');
      const { crossAttentions, ...all } = await model.forward(inputs, { attentions: true });
      const across = await model.forward(inputs, { attentions: 'cross' });
      expect(across.crossAttentions).toEqual(crossAttentions);
      expect(all).toHaveProperty('encoderAttentions');
      expect(Object.keys(across).join()).not.toMatch(/(encoder|decoder)Attentions/);
    }
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const asked = model.forward({ inputIds: [[1, 2]] }, { attentions: 'cross' });
    await expectRejection(asked, 'OPTION_INVALID', 'attentions is "cross"');
  }));

test('attentions and hidden states of every step of an encoder–decoder', () =>
  withGpu(options, async (gpu) => {
    const expected = await readCase('marian');
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const { inputs } = expected.generate.find(({ name }) => name === 'greedy')!;
    const source = { inputIds: inputs.input_ids, attentionMask: inputs.attention_mask };
    const asked = { maxNewTokens: 4, numBeams: 2, numReturnSequences: 2, attentions: true };
    const result = await model.generate(source, { ...asked, hiddenStates: true });
    const [batch, S] = [inputs.input_ids.length, inputs.input_ids[0]!.length];
    const steps = result.sequences[0]!.length - 1;
    const shapes = (list: DenseTensor[][]) => list.map(([layer]) => layer!.shape);
    const n = 2 * batch;
    expect(result.sequences.length).toBe(n);
    const each = <T>(make: (step: number) => T): T[] =>
      Array.from({ length: steps }, (_, i) => make(i));
    expect(shapes(result.crossAttentions!)).toEqual(each(() => [n, 4, 1, S]));
    expect(shapes(result.decoderAttentions!)).toEqual(each((i) => [n, 4, 1, i + 1]));
    expect(shapes(result.decoderHiddenStates!)).toEqual(each(() => [n, 1, 32]));
    expect(result.encoderAttentions![0]!.shape).toEqual([n, 4, S, S]);
    expect(result.encoderHiddenStates!.length).toBe(3);
  }));

test('steps tell of the whole what a forward pass does', () =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const inputIds = [[5, 9, 23, 4]];
    const { sequences, hiddenStates } = await model.generate(
      { inputIds },
      { maxNewTokens: 3, hiddenStates: true },
    );
    const whole = await model.forward(
      { inputIds: [sequences[0]!.slice(0, -1)] },
      { hiddenStates: true },
    );
    const last = whole.hiddenStates![2]!;
    const row = rowOf(last, 0, 4, 32);
    expectClose(hiddenStates![1]![2], { data: Float32Array.from(row), shape: [1, 1, 32] }, 'step');
  }));
