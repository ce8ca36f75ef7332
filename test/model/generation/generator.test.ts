// The code of generation is loaded with the first call: what ends or fails meanwhile.
import { expect, test } from 'vitest';
import { type Generator, LazyGenerator } from '../../../src/model/generation/generator.ts';
import { expectRejection } from '../../support/rejection.ts';

const tokens = { batch: 1, length: 1, rows: [[1]] };
const prompt = { tokens, mask: tokens };

/** A generator that notes its end, and a load of it that waits for `arrive` or `fail`. */
function slowly() {
  const calls: string[] = [];
  const generator: Generator = {
    generate: async () => ({ sequences: [[calls.push('generate')]] }),
    async *stream() {
      yield { tokenIds: [calls.push('stream')] };
    },
    dispose: () => void calls.push('dispose'),
  };
  const waiting: { arrive: () => void; fail: (error: Error) => void }[] = [];
  const lazy = new LazyGenerator(
    () =>
      new Promise((resolve, reject) => {
        waiting.push({ arrive: () => resolve(generator), fail: reject });
      }),
  );
  return { calls, lazy, waiting };
}

test('calls at once share one load, and later ones need none', async () => {
  const { calls, lazy, waiting } = slowly();
  const both = Promise.all([lazy.generate(prompt, {}), lazy.stream(prompt, {}).next()]);
  expect(waiting).toHaveLength(1);
  waiting[0]!.arrive();
  await both;
  await lazy.generate(prompt, {});
  expect(calls).toEqual(['generate', 'stream', 'generate']);
  expect(waiting).toHaveLength(1);
  lazy.dispose();
  expect(calls.at(-1)).toBe('dispose');
  await expectRejection(lazy.generate(prompt, {}), 'DISPOSED');
});

test('a model that ends before or while the code loads generates nothing', async () => {
  const { calls, lazy, waiting } = slowly();
  const call = lazy.generate(prompt, {});
  const stream = lazy.stream(prompt, {}).next();
  lazy.dispose();
  waiting[0]!.arrive();
  await expectRejection(call, 'DISPOSED');
  await expectRejection(stream, 'DISPOSED');
  await expectRejection(lazy.generate(prompt, {}), 'DISPOSED');
  expect(calls).toEqual([]);

  const unused = slowly();
  unused.lazy.dispose();
  await expectRejection(unused.lazy.generate(prompt, {}), 'DISPOSED');
  expect(unused.waiting).toHaveLength(0);
});

test('a load that failed is tried again', async () => {
  const { calls, lazy, waiting } = slowly();
  const failing = lazy.generate(prompt, {});
  waiting[0]!.fail(new Error('offline'));
  await expect(failing).rejects.toThrow('offline');
  const call = lazy.generate(prompt, {});
  waiting[1]!.arrive();
  await call;
  expect(calls).toEqual(['generate']);
});
