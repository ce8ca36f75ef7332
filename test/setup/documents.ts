// The snippets of README.md and of the pages of docs/ as modules of the tests: `virtual:readme` and `virtual:docs`
// list them, each to be run. What a reader has before a snippet, and what no test can have, such as a model on the
// Hub, stands in the stages.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';
import { docsPages } from '../support/docs-pages.ts';
import { docsStage } from '../support/docs-stages.ts';
import { type Stage, stages } from '../support/readme-stages.ts';
import { codeBlocks, withChecks } from '../support/snippets.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Documents by the module that lists their snippets. */
const lists: Readonly<Record<string, { files: string[]; stageOf: (code: string) => string }>> = {
  'virtual:readme': { files: ['README.md'], stageOf: readmeStage },
  'virtual:docs': { files: docsPages(root), stageOf: () => 'a page' },
};

/** A snippet's module lies at the root, as what a reader writes beside package.json would. */
function moduleId(file: string, index: number): string {
  return path.join(root, `${file.replaceAll('/', '~').replace(/\.md$/, '')}.${index}.ts`);
}

/** The document and the number of a snippet. */
function snippetOf(id: string): { readonly file: string; readonly index: number } | undefined {
  const [, name = '', index] = /^(.+)\.(\d+)\.ts$/.exec(path.relative(root, id)) ?? [];
  const file = `${name.replaceAll('~', '/')}.md`;
  const isKnown = Object.values(lists).some(({ files }) => files.includes(file));
  return isKnown ? { file, index: Number(index) } : undefined;
}

export const documentSnippets: Plugin = {
  name: 'document-snippets',
  resolveId(id) {
    if (Object.hasOwn(lists, id)) return `\0${id}`;
    return snippetOf(id) === undefined ? undefined : id;
  },
  load(id, options) {
    const list = lists[id.slice(1)];
    if (list !== undefined) {
      const entries = list.files.flatMap((file) => {
        this.addWatchFile(path.join(root, file));
        return snippetsIn(file).map(({ code, line }, index) => {
          const { answers } = withChecks(code);
          const entry = { document: file, line, stage: list.stageOf(code), answers };
          const from = JSON.stringify(moduleId(file, index));
          return `{ ...${JSON.stringify(entry)}, run: () => import(${from}) }`;
        });
      });
      return `export const snippets = [${entries.join(',\n')}];`;
    }
    const snippet = snippetOf(id);
    if (snippet === undefined) return undefined;
    const { file, index } = snippet;
    this.addWatchFile(path.join(root, file));
    const code = snippetsIn(file)[index]?.code ?? '';
    const stage = file === 'README.md' ? stages[readmeStage(code)] : docsStage(file, code);
    return moduleOf(file, code, stage ?? { has: '' }, options?.ssr === true ? 'node' : 'chromium');
  },
};

/** Blocks that are files of an app have its name, and are built and driven by test/package/apps.test.ts. */
function snippetsIn(file: string): ReturnType<typeof codeBlocks> {
  const blocks = codeBlocks(readFileSync(path.join(root, file), 'utf8'));
  return blocks.filter(({ language, title }) => language === 'ts' && title === '');
}

function readmeStage(code: string): string {
  const names = Object.entries(stages).filter(([, { has }]) => code.includes(has));
  const [name, ...others] = names.map(([one]) => one);
  if (name !== undefined && others.length === 0) return name;
  throw new Error(`README.md: ${names.length} stages, not one, are for the snippet\n${code}`);
}

/** The snippet with its checks, on its stage. */
function moduleOf(
  file: string,
  code: string,
  { before = '', replaced = [], replacedIn = {} }: Stage,
  platform: 'node' | 'chromium',
): string {
  let text = withChecks(code).code;
  for (const [from, to] of [...replaced, ...(replacedIn[platform] ?? [])]) {
    if (!text.includes(from)) throw new Error(`${file} no longer says ${from} in\n${code}`);
    text = text.replaceAll(from, to);
  }
  const helpers = path.join(root, 'test/support/readme-helpers.ts');
  return [
    `import * as stage from ${JSON.stringify(helpers)};`,
    'const { check, expect, process, written } = stage;',
    before,
    text,
    /\bgpu\b/.test(text) ? 'gpu.dispose();' : '',
  ].join('\n');
}
