// Generation of models whose layers keep states: long prompts in pieces, texts of unlike lengths together, caches that
// grow, chats that go on. What is generated is what whole sequences say.
import { expect, test } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { bothTiers, withGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

const names = ['variants/lfm2', 'variants/qwen3_5_text'];
const greedy = { numBeams: 1, doSample: false, eosTokenId: [] };

/** A text without repetitions, begun alike for each seed. */
function textOf(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) =>
    i < 2 ? 3 + i : 3 + ((i * i * 7 + 5 * i * seed + (i % 11) * seed) % 37),
  );
}

/** Expects each token behind a prompt to be the likeliest by what a whole sequence gives. */
async function expectLikeliest(model: Model, sequence: number[], prompt: number): Promise<void> {
  const { logits } = await model.forward({ inputIds: [sequence.slice(0, -1)] });
  const columns = logits!.shape.at(-1)!;
  const likeliest = sequence.slice(prompt).map((_, i) => {
    const first = (prompt + i - 1) * columns;
    const row = logits!.data.subarray(first, first + columns);
    return row.indexOf(Math.max(...row));
  });
  expect(sequence.slice(prompt)).toEqual(likeliest);
}

for (const { name: device, options } of await bothTiers()) {
  for (const name of names) {
    test(`${name}: prompts in pieces and caches that grow, ${device}`, () =>
      withGpu(options, async (gpu) => {
        using model = await loadModel(fixtureSource(name), { gpu });
        for (const [length, count] of [
          [1, 5],
          [250, 12],
          [601, 4],
        ] as const) {
          const prompt = textOf(length, 3);
          const { sequences } = await model.generate(
            { inputIds: [prompt] },
            { ...greedy, maxNewTokens: count },
          );
          expect(sequences[0]).toHaveLength(length + count);
          await expectLikeliest(model, sequences[0]!, length);
        }
      }));

    test(`${name}: unlike texts together, ${device}`, () =>
      withGpu(options, async (gpu) => {
        using model = await loadModel(fixtureSource(name), { gpu });
        const prompts = [2, 19, 530, 7].map((length, i) => textOf(length, i + 1));
        const calls = prompts.map((prompt, i) => ({
          inputs: { inputIds: [prompt] },
          options: { ...greedy, maxNewTokens: 9 - i },
        }));
        const together = await model.generateTogether(calls);
        for (const [i, { sequences }] of together.entries()) {
          expect(sequences[0]).toHaveLength(prompts[i]!.length + 9 - i);
          await expectLikeliest(model, sequences[0]!, prompts[i]!.length);
        }
      }));

    test(`${name}: a text that goes on, ${device}`, () =>
      withGpu(options, async (gpu) => {
        using model = await loadModel(fixtureSource(name), { gpu });
        let tokens = textOf(21, 5);
        for (let turn = 0; turn < 3; turn++) {
          const { sequences } = await model.generate(
            { inputIds: [tokens] },
            { ...greedy, maxNewTokens: 6 },
          );
          await expectLikeliest(model, sequences[0]!, tokens.length);
          // What was said, in part, and something else.
          tokens = [...sequences[0]!.slice(0, -turn - 1), ...textOf(4, turn + 2)];
        }
        // The beginning of what was there before.
        const begun = tokens.slice(0, 9);
        const { sequences } = await model.generate(
          { inputIds: [begun] },
          { ...greedy, maxNewTokens: 5 },
        );
        await expectLikeliest(model, sequences[0]!, begun.length);
      }));
  }
}

test('attentions are those of the layers that attend', () =>
  withGpu({}, async (gpu) => {
    using model = await loadModel(fixtureSource('variants/lfm2'), { gpu });
    const { attentions, hiddenStates } = await model.generate(
      { inputIds: [textOf(5, 1)] },
      { ...greedy, maxNewTokens: 3, attentions: true, hiddenStates: true },
    );
    expect(attentions!.map((step) => step.map(({ shape }) => shape))).toEqual([
      [[1, 6, 5, 5]],
      [[1, 6, 1, 6]],
      [[1, 6, 1, 7]],
    ]);
    expect(hiddenStates!.map((step) => step.length)).toEqual([5, 5, 5]);
  }));
