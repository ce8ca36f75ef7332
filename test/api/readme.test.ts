// README.md's snippets run as they stand there, and give the answers that stand beside them.
import { expect, test } from 'vitest';
import { snippets } from 'virtual:readme';
import { ownCache } from '../support/cache.ts';
import { compared } from '../support/readme-helpers.ts';

ownCache();

test.each(snippets)('$stage (line $line)', async ({ run, answers }) => {
  await run();
  expect(compared()).toBe(answers);
});

test('no snippet and no answer is lost', () => {
  const known = Object.fromEntries(snippets.map(({ stage, answers }) => [stage, answers]));
  expect(known).toEqual({
    'a first translation': 2,
    'a chat': 0,
    'the model below': 3,
    'places of models': 0,
    'a training run': 0,
  });
  expect(snippets).toHaveLength(5);
});
