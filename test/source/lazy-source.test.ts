// Sources whose code is loaded with the first read.
import { expect, test } from 'vitest';
import { LazySource } from '../../src/source/lazy-source.ts';
import type { Source } from '../../src/source/source.ts';

test('nothing is loaded before the first read, and then once', async () => {
  let [loads, releases] = [0, 0];
  const inner: Source = {
    name: 'inner',
    read: async (file) => new TextEncoder().encode(file),
    explain: () => 'why',
    release: () => void releases++,
  };
  const source = new LazySource('outer', async () => {
    loads++;
    return inner;
  });
  source.release();
  expect([source.name, source.explain(['a']), loads, releases]).toEqual(['outer', undefined, 0, 0]);
  const [a, size] = await Promise.all([source.read('a'), source.size('a'), source.finish('a')]);
  expect([a, size, await source.list()]).toEqual([Uint8Array.of(97), undefined, undefined]);
  source.release();
  expect([source.name, source.explain(['a']), loads, releases]).toEqual(['inner', 'why', 1, 1]);
});

test('code that could not be loaded is asked for again', async () => {
  let loads = 0;
  const source = new LazySource('outer', async () => {
    if (++loads === 1) throw new Error('offline');
    return { read: async () => new Uint8Array(loads) };
  });
  await expect(source.read('a')).rejects.toThrow('offline');
  expect(await source.read('a')).toHaveLength(2);
});
