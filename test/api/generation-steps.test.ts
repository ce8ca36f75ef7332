// What generate brings back of its steps, and what it keeps between the turns of a conversation.
import { expect, test, vi } from 'vitest';
import { type DenseTensor, loadModel, type Model } from 'webgpu-transformer';
import { PromptPlan } from '../../src/model/prompt-plan.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
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

/** Generates greedily for one text, and counts the tokens of prompts that were computed. */
async function turn(model: Model, inputIds: number[], maxNewTokens: number) {
  const plays = vi.spyOn(PromptPlan.prototype, 'play');
  try {
    const { sequences } = await model.generate({ inputIds: [inputIds] }, { maxNewTokens });
    const chunks = plays.mock.calls.map(([, chunk]) => chunk);
    const computed = chunks.reduce((count, { first, end }) => count + end - first, 0);
    return { sequence: sequences[0]!, computed };
  } finally {
    plays.mockRestore();
  }
}

test.each(['gpt2', 'llama_rope_llama3'])('%s: a conversation computes each turn once', (name) =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    const first = await turn(model, [5, 9, 23, 4, 17, 80, 6], 4);
    expect(first.computed).toBe(6);
    // Another turn: what was said so far, and more. A longer one needs larger caches, too.
    const second = await turn(model, [...first.sequence, 31, 7], 3);
    expect(second.computed).toBe(second.sequence.length - 3 - first.sequence.length);
    const third = await turn(model, [...second.sequence, 11], 17);
    expect(third.computed).toBeLessThanOrEqual(2);
    // Another text begins anew, from where it differs.
    const other = await turn(model, [5, 9, 23, 8, 17, 80, 6, 3], 4);
    expect(other.computed).toBe(4);
    using fresh = await loadModel(fixtureSource(name), { gpu });
    expect((await turn(fresh, [...first.sequence, 31, 7], 3)).sequence).toEqual(second.sequence);
    using again = await loadModel(fixtureSource(name), { gpu });
    expect((await turn(again, [...second.sequence, 11], 17)).sequence).toEqual(third.sequence);
  }),
);

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
