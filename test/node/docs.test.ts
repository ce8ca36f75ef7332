// The snippets of docs/ run as they stand there, and give the answers that stand beside them; every command of
// this package that a page names is one that README.md has, whose commands run.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { snippets } from 'virtual:docs';
import { knownModels } from '../../docs/known-models/index.ts';
import { ownCache } from '../support/cache.ts';
import { root } from '../support/cli.ts';
import { docsPages } from '../support/docs-pages.ts';
import { namedModels } from '../support/docs-stages.ts';
import { compared } from '../support/readme-helpers.ts';
import { type Block, codeBlocks } from '../support/snippets.ts';

ownCache();

const pages = docsPages(root);
const blocks = await blocksOf(pages);

async function blocksOf(files: readonly string[]): Promise<(Block & { readonly file: string })[]> {
  const texts = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
  return texts.flatMap((text, index) =>
    codeBlocks(text).map((block) => ({ ...block, file: files[index] ?? '' })),
  );
}

test.each(snippets)('$document (line $line)', async ({ run, answers }) => {
  await run();
  expect(compared()).toBe(answers);
});

test('no snippet is lost, and where the package has the model its answer stands there', () => {
  const programs = blocks.filter(({ language, title }) => language === 'ts' && title === '');
  expect(snippets).toHaveLength(programs.length);
  const withModels = programs.filter(({ code }) => code.includes("'models/"));
  const withAnswers = snippets.filter(({ answers }) => answers > 0);
  expect(withAnswers.length).toBeGreaterThanOrEqual(withModels.length);
});

test('the models that pages name are among those that are known', () => {
  const known = Object.values(knownModels).flatMap((models) => models.map(({ name }) => name));
  for (const name of namedModels) expect(known).toContain(name);
});

test('commands are those of README.md', async () => {
  const linesOf = (all: readonly Block[]): string[] =>
    all
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => code.split('\n'))
      .map((line) => line.replace(/\s+#.*/, '').trim())
      .filter((line) => line.startsWith('npx webgpu-transformer'));
  const tried = linesOf(await blocksOf(['README.md']));
  const named = linesOf(blocks);
  expect(named.length).toBeGreaterThan(0);
  for (const line of named) expect(tried).toContain(line);
});

test('every error code stands in the table, in order, and no other', async () => {
  const [errors, page] = await Promise.all(
    ['src/runtime/errors.ts', 'docs/errors.md'].map((file) =>
      readFile(path.join(root, file), 'utf8'),
    ),
  );
  const [, union = ''] = /export type ErrorCode =([^;]*);/.exec(errors ?? '') ?? [];
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const rows = [...(page ?? '').matchAll(/^\| `(\w+)` \| .{10,} \| .{10,} \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual(codes);
});
