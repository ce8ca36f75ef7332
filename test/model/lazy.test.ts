// What is loaded with its first use: what ends or fails meanwhile.
import { expect, test } from 'vitest';
import { Lazy } from '../../src/model/lazy.ts';
import { expectRejection } from '../support/rejection.ts';

/** Something that notes its end, and a load of it that waits for `arrive` or `fail`. */
function slowly() {
  const ends: string[] = [];
  const thing = { dispose: () => void ends.push('dispose') };
  const waiting: { arrive: () => void; fail: (error: Error) => void }[] = [];
  const lazy = new Lazy(
    () =>
      new Promise<typeof thing>((resolve, reject) => {
        waiting.push({ arrive: () => resolve(thing), fail: reject });
      }),
  );
  return { ends, lazy, thing, waiting };
}

test('calls at once share one load, and later ones need none', async () => {
  const { ends, lazy, thing, waiting } = slowly();
  const both = Promise.all([lazy.get(), lazy.get()]);
  expect(waiting).toHaveLength(1);
  waiting[0]!.arrive();
  expect(await both).toEqual([thing, thing]);
  expect(await lazy.get()).toBe(thing);
  expect(waiting).toHaveLength(1);
  lazy.dispose();
  expect(ends).toEqual(['dispose']);
  await expectRejection(lazy.get(), 'DISPOSED');
});

test('what ends before or while the code loads is never there', async () => {
  const { ends, lazy, waiting } = slowly();
  const calls = [lazy.get(), lazy.get()];
  lazy.dispose();
  waiting[0]!.arrive();
  for (const call of calls) await expectRejection(call, 'DISPOSED');
  await expectRejection(lazy.get(), 'DISPOSED');
  // It came too late, and was freed at once.
  expect(ends).toEqual(['dispose']);

  const unused = slowly();
  unused.lazy.dispose();
  await expectRejection(unused.lazy.get(), 'DISPOSED');
  expect(unused.waiting).toHaveLength(0);
});

test('a load that failed is tried again', async () => {
  const { lazy, thing, waiting } = slowly();
  const failing = lazy.get();
  waiting[0]!.fail(new Error('offline'));
  await expect(failing).rejects.toThrow('offline');
  const call = lazy.get();
  waiting[1]!.arrive();
  expect(await call).toBe(thing);
});
