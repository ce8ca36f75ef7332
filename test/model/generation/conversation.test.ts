// What generate keeps between the turns of a conversation.
import { expect, test, vi } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { Prefill } from '../../../src/model/generation/prefill.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { fixtureSource } from '../../support/source.ts';

const { options } = (await testGpus())[0]!;

/** Generates greedily for one text, and counts the tokens of prompts that were computed. */
async function turn(model: Model, inputIds: number[], maxNewTokens: number) {
  const plays = vi.spyOn(Prefill.prototype, 'play');
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
