// Chains of the tokens of each word, more words than invocations look after.
import { expect, test } from 'vitest';
import { embeddingLinks } from '../../../src/shaders/embedding/embedding-backward.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

test('each token names the one before it of its word, each word its last token', () =>
  withGpu(device!.options, async (gpu) => {
    const [tokens, vocabulary] = [301, 151];
    const random = new Random(1);
    const rare = random.indices(tokens, vocabulary - 1);
    const { outputs } = await expectOperation(gpu, (bench) => [
      embeddingLinks(bench.input('ids', [tokens], rare), vocabulary),
      embeddingLinks(bench.input('one word', [tokens], rare.fill(7)), vocabulary),
      embeddingLinks(bench.input('rows', [33, 3], random.indices(99, 140)), vocabulary, {
        tokens: 33,
        offset: 11,
      }),
    ]);
    expect(outputs[1]?.[tokens - 1]).toBe(tokens - 2);
    expect(outputs[1]?.[tokens + 7]).toBe(tokens - 1);
  }));
