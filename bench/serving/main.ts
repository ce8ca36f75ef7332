// What a running batch gains: the same calls one after the other and all at once, in turns, on one model.
//   npm run bench -- --serving --model DIR [--tokens N] [--rounds N]

import { parseArgs } from 'node:util';
import { loadModel, type Model } from 'webgpu-transformer';
import { RunningBatch } from 'webgpu-transformer/serve';
import { openGpu } from '../adapters.ts';
import { printTable } from '../table.ts';

const counts = [1, 4, 16];

const { values } = parseArgs({
  options: {
    serving: { type: 'boolean' },
    model: { type: 'string' },
    prompt: { type: 'string', default: '16' },
    tokens: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '3' },
  },
});
const { model: folder } = values;
if (folder === undefined) throw new RangeError('--model names no checkpoint. Pass one.');
const [length, tokens, rounds] = [values.prompt, values.tokens, values.rounds].map((text) => {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new RangeError(`${text} is no whole number above 0.`);
}) as [number, number, number];

const { gpu } = await openGpu(undefined);
console.log(`${gpu.info.description} (${gpu.info.route}, ${gpu.info.tier} kernels), ${folder}`);
console.log(
  `prompts of ${length} tokens, ${tokens} new ones each; median of ${rounds} rounds in turns\n`,
);
const model = await loadModel(folder, { gpu });
const batch = new RunningBatch(model, { maxSequences: Math.max(...counts) });
const options = { maxNewTokens: tokens, eosTokenId: null };

/** Tokens of a call: drawn from its number, and wrong where the other way gave others. */
const vocabulary = Number(model.config['vocab_size']);
const known = new Map<number, string>();
const inputs = (call: number): { inputIds: number[][] } => ({
  inputIds: [
    Array.from({ length }, (_, i) => 5 + ((call * 7919 + i * 104_729) % (vocabulary - 5))),
  ],
});

async function read(stream: ReturnType<Model['stream']>, call: number): Promise<void> {
  const all: number[] = [];
  for await (const { tokenIds } of stream) all.push(...tokenIds);
  const text = all.join();
  if ((known.get(call) ?? text) !== text) throw new Error(`call ${call} got other tokens`);
  known.set(call, text);
}

const ways: Readonly<Record<string, (count: number) => Promise<unknown>>> = {
  'one after the other': async (count) => {
    for (let call = 0; call < count; call++) await read(model.stream(inputs(call), options), call);
  },
  together: (count) =>
    Promise.all(
      Array.from({ length: count }, (_, call) => read(batch.stream(inputs(call), options), call)),
    ),
};

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

const rows: string[][] = [];
for (const count of counts) {
  const times = Object.entries(ways).map(([name, way]) => ({ name, way, all: [] as number[] }));
  // The first round records and compiles.
  for (let round = 0; round <= rounds; round++) {
    for (const { way, all } of times) {
      const time = await seconds(() => way(count));
      if (round > 0) all.push(time);
    }
  }
  const [alone = NaN, together = NaN] = times.map(({ all }) => (count * tokens) / median(all));
  rows.push([
    String(count),
    alone.toFixed(1),
    together.toFixed(1),
    `${(together / alone).toFixed(2)}x`,
  ]);
}
printTable(['calls', 'one after the other, tokens/s', 'together, tokens/s', 'ratio'], rows);
batch.dispose();
model.dispose();
gpu.dispose();
