// Calls of models with adapters that join a running batch: those of one view go together, each gets what it gets alone.
import { expect, test } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { RunningBatch } from 'webgpu-transformer/serve';
import { Lora, withAdapters } from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { fill } from '../../support/lora.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource } from '../../support/source.ts';

const onGpu = sharedGpu();
const random = new Random(3);
const texts = [6, 19, 2].map((length) => Array.from({ length }, () => random.integer(5, 40)));
const options = { maxNewTokens: 12, numBeams: 1, eosTokenId: null };

async function tokensOf(given: Model | RunningBatch, ids: readonly number[]): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { tokenIds } of given.stream({ inputIds: [[...ids]] }, options)) {
    tokens.push(...tokenIds);
  }
  return tokens;
}

test.each([
  ['llama_gqa', ['*.q_proj', '*.up_proj']],
  ['variants/lfm2', ['*.in_proj', '*.q_proj', '*.w1']],
  ['marian', ['*.v_proj', '*.fc1']],
])('%s: the same adapter in the same steps, others beside', (name, targets) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using lora = new Lora(model, { rank: 3, alpha: 30, targets });
    using other = new Lora(model, { rank: 2, alpha: 30, targets });
    await fill(gpu, lora, 5);
    await fill(gpu, other, 6);
    using first = withAdapters(model, lora);
    using second = withAdapters(model, other);
    const views = [model, first, second];
    const alone = [];
    for (const view of views) {
      for (const ids of texts) alone.push(await tokensOf(view, ids));
    }
    expect(alone.slice(3, 6)).not.toEqual(alone.slice(0, 3));
    const batches = views.map((view) => new RunningBatch(view));
    let most = 0;
    const running = batches.flatMap((batch, view) =>
      texts.map(async (ids) => {
        const tokens: number[] = [];
        for await (const { tokenIds } of batch.stream({ inputIds: [ids] }, options)) {
          tokens.push(...tokenIds);
          if (view === 1) most = Math.max(most, batch.load.running);
        }
        return tokens;
      }),
    );
    expect(await Promise.all(running)).toEqual(alone);
    expect(most).toBe(3);
    for (const batch of batches) batch.dispose();
  }),
);

test('while calls run no adapter is merged, and while it is none begins', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using lora = new Lora(model, { rank: 3, targets: ['*.q_proj'] });
    await fill(gpu, lora, 5);
    using tuned = withAdapters(model, lora);
    using batch = new RunningBatch(tuned);
    const stream = batch.stream({ inputIds: [texts[0]!] }, options);
    await stream.next();
    await expectRejection(lora.merge(), 'INPUT_INVALID');
    await stream.return();
    await lora.merge();
    await expectRejection(tokensOf(batch, texts[0]!), 'INPUT_INVALID');
    await lora.unmerge();
    expect(await tokensOf(batch, texts[1]!)).toEqual(await tokensOf(tuned, texts[1]!));
    // What is wrong leaves nothing behind.
    await expectRejection(batch.stream({ inputIds: [[-1]] }).next(), 'INPUT_INVALID');
    await lora.merge();
  }));
