// A cache that fails in every way: the load does not.
import { afterEach, expect, test, vi } from 'vitest';
import { CachedSource } from '../../src/source/cached-source.ts';
import { PatientStore } from '../../src/source/patient-store.ts';
import type { RemoteSource } from '../../src/source/source.ts';
import { memoryStore } from '../support/cache-store.ts';
import { expectError } from '../support/safetensors.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
const never = (): Promise<never> => new Promise(() => undefined);

function remote(): RemoteSource & { reads: number } {
  return {
    name: 'r',
    key: 'https://host/r/',
    reads: 0,
    async read(_, range = { start: 0, end: 100 }) {
      this.reads++;
      await Promise.resolve();
      return bytes.slice(range.start, range.end);
    },
    stat: async () => ({ size: 100, version: 'v' }),
  };
}

afterEach(() => {
  vi.useRealTimers();
});

test.each(['list', 'read', 'write', 'remove'] as const)(
  '%s never answers: after some seconds it is done without',
  async (call) => {
    const from = remote();
    const stored = memoryStore();
    await new CachedSource(from, stored, false, 'once').read('f');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const store = { ...stored, [call]: never };
    const source = new CachedSource(from, store, false, 'once');
    const other = { start: 5, end: 25 };
    const reading = Promise.all([source.read('f'), source.read('g', other)]);
    const progress = { isDone: false };
    void reading.finally(() => (progress.isDone = true));
    while (!progress.isDone) {
      await vi.advanceTimersByTimeAsync(1000);
      await new Promise((resolve) => {
        whenIdle(resolve);
      });
    }
    expect(await reading).toEqual([bytes, bytes.slice(5, 25)]);
    // From then on it is not asked.
    expect(await source.read('h', other)).toEqual(bytes.slice(5, 25));
  },
);

/** As soon as what is under way is done; these are no timers that a test may have stopped. */
function whenIdle(then: (value: unknown) => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', then);
  port1.start();
  port2.postMessage(0);
}

test('without a network a cache that does not answer is told', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const source = new CachedSource(remote(), memoryStore({ list: never }), true, 'once');
  const reading = expectError(
    source.read('f'),
    'FILE_UNREADABLE',
    'the cache of r does not answer',
  );
  await vi.advanceTimersByTimeAsync(6000);
  await reading;
});

test('each call that fails is as if there were no cache', async () => {
  const fails = async (): Promise<never> => {
    await Promise.resolve();
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };
  const wrong = {
    list: [fails, async () => ['100-zz', '../x', '100-0'], async () => [] as string[]],
    read: [fails, async () => new Uint8Array(3), async () => new Uint8Array(100)],
    write: [fails, async () => undefined],
    remove: [fails, async () => undefined],
  };
  for (const [call, answers] of Object.entries(wrong)) {
    for (const answer of answers) {
      const source = new CachedSource(remote(), memoryStore({ [call]: answer }), false, 'once');
      for (const range of [undefined, { start: 3, end: 9 }, { start: 0, end: 50 }]) {
        const wanted = bytes.slice(range?.start ?? 0, range?.end ?? 100);
        expect(await source.read('f', range)).toEqual(wanted);
      }
      await source.finish('f').catch(() => undefined);
    }
  }
});

test('the first write that fails is the last', async () => {
  let writes = 0;
  const write = async (): Promise<void> => {
    writes++;
    await Promise.resolve();
    throw new Error('full');
  };
  const store = new PatientStore(memoryStore({ write }));
  expect(await store.write('a', bytes)).toBe(false);
  expect(await store.write('b', bytes)).toBe(false);
  expect([writes, store.isReadOnly, store.isSilent]).toEqual([1, true, false]);
});
