// Long texts: caches that grow, prompts in pieces, and what a token costs.
import { expect, test, vi } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { Prefill } from '../../../src/model/generation/prefill.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../../support/source.ts';

const { options } = (await testGpus())[0]!;

/** A tiny Llama with many positions: two layers, whose caches have 32 columns. */
async function longSource() {
  const files = await fixtureFiles('llama_gqa');
  const config = withFields(files['config.json'], { max_position_embeddings: 8192 });
  return memorySource({ ...files, 'config.json': config });
}

const endless = { eosTokenId: null };
const start = [5, 9, 23, 4, 17];

/** The pieces in which prompts are computed while `work` runs. */
async function pieces(work: () => Promise<unknown>): Promise<[first: number, end: number][]> {
  const plays = vi.spyOn(Prefill.prototype, 'play');
  try {
    await work();
    return plays.mock.calls.map(([, { first, end }]) => [first, end]);
  } finally {
    plays.mockRestore();
  }
}

test(
  'a cache that grows on the way changes no token, and takes what it needs',
  { timeout: 60_000 },
  () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(await longSource(), { gpu });
      const greedy = { ...endless, maxNewTokens: 700 };
      const stream = model.stream({ inputIds: [start] }, { ...endless, maxNewTokens: 7000 });
      const begun: number[] = [];
      for await (const { tokenIds } of stream) {
        begun.push(tokenIds[0]!);
        if (begun.length === 20) break;
      }
      // Room for 256 tokens, though 7000 were allowed.
      const cache = (tokens: number): number => 2 * tokens * 32 * 4;
      expect(gpu.memory.bytes).toBeLessThan(cache(7000));
      const grown = await model.generate({ inputIds: [start] }, greedy);
      expect(grown.sequences[0]!.slice(5, 25)).toEqual(begun);
      // The same again, in a cache that has the room from the start.
      expect(await model.generate({ inputIds: [start] }, greedy)).toEqual(grown);

      // All of it but the end as a prompt, in another model, in pieces.
      using other = await loadModel(await longSource(), { gpu });
      const whole = grown.sequences[0]!;
      const prompt = { inputIds: [whole.slice(0, 690)] };
      const found = await pieces(async () => {
        const { sequences } = await other.generate(prompt, { ...endless, maxNewTokens: 15 });
        expect(sequences).toEqual([whole]);
      });
      expect(found).toEqual([
        [0, 512],
        [512, 689],
      ]);
    }),
);

test('beams and batches grow as well', { timeout: 60_000 }, () =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(await longSource(), { gpu });
    const inputs = {
      inputIds: [start, [0, 0, 8, 30, 2]],
      attentionMask: [
        [1, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
      ],
    };
    const calls = [
      { ...endless, maxNewTokens: 280, numBeams: 2 },
      { ...endless, maxNewTokens: 280, doSample: true, seed: 3, numReturnSequences: 2 },
    ];
    for (const asked of calls) {
      const grown = await model.generate(inputs, asked);
      expect(await model.generate(inputs, asked)).toEqual(grown);
    }
  }),
);

test('an abort is heard between the pieces of a prompt', () =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(await longSource(), { gpu });
    const inputIds = [Array.from({ length: 3000 }, (_, i) => 3 + (i % 90))];
    const controller = new AbortController();
    const plays = vi.spyOn(Prefill.prototype, 'play');
    const calls = await pieces(async () => {
      const play = model.generate({ inputIds }, { maxNewTokens: 4, signal: controller.signal });
      await vi.waitFor(() => expect(plays.mock.calls.length).toBeGreaterThan(1), 20_000);
      controller.abort();
      await expectRejection(play, 'ABORTED');
    });
    plays.mockRestore();
    expect(calls.length).toBeLessThan(6);
  }));

/** What is made on the device before each token of a stream comes. */
async function madeFor(model: Model, tokens: number): Promise<Map<string, number>[]> {
  const { device } = model.gpu;
  const names = [
    'createBuffer',
    'createBindGroup',
    'createComputePipelineAsync',
    'createCommandEncoder',
  ] as const;
  const spies = names.map((name) => [name, vi.spyOn(device, name)] as const);
  const made: Map<string, number>[] = [];
  for await (const _ of model.stream({ inputIds: [start] }, { ...endless, maxNewTokens: tokens })) {
    made.push(new Map(spies.map(([name, spy]) => [name, spy.mock.calls.length])));
    for (const [, spy] of spies) spy.mockClear();
  }
  for (const [, spy] of spies) spy.mockRestore();
  return made;
}

test('a token makes as much at every length', { timeout: 60_000 }, () =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(await longSource(), { gpu });
    const made = await madeFor(model, 600);
    const buffers = made.map((one) => one.get('createBuffer')!);
    // The first tokens pay for the lists and for what is read back. Caches grow once on the way, to 512; the
    // next step up would be the last, to all that was asked for.
    const growing = buffers.flatMap((count, token) => (count > 0 && token > 4 ? [token] : []));
    expect(growing.length).toBeLessThanOrEqual(3);
    const usualOnes = made.filter((_, token) => token > 4 && !growing.includes(token));
    for (const one of usualOnes) expect([...one.values()].slice(0, 3)).toEqual([0, 0, 0]);
    // Submissions go ahead of tokens, by more or fewer steps.
    const encoders = usualOnes.map((one) => one.get('createCommandEncoder')!);
    expect(encoders.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(made.length - 5);
    expect(Math.max(...encoders)).toBeLessThanOrEqual(3);
    // No pipeline is compiled on the way, whatever the capacity.
    expect(made.slice(1).every((one) => one.get('createComputePipelineAsync') === 0)).toBe(true);
  }),
);
