// The snippets of README.md as modules of the tests: `virtual:readme` lists them, each to be run. What a
// reader has before a snippet, and what no test can have, such as a model on the Hub, stands in `stages`.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';
import { codeBlocks, withChecks } from '../support/snippets.ts';
import { stages } from '../support/readme-stages.ts';

const root = path.resolve(import.meta.dirname, '../..');
const list = 'virtual:readme';
/** A snippet's module lies beside README.md, as what a reader writes there would. */
const base = path.join(root, 'README.');
const numberOf = (id: string): string | undefined =>
  id.startsWith(base) ? /^(\d+)\.ts$/.exec(id.slice(base.length))?.[1] : undefined;

export const readmeSnippets: Plugin = {
  name: 'readme-snippets',
  resolveId(id) {
    if (id === list) return `\0${list}`;
    return numberOf(id) === undefined ? undefined : id;
  },
  load(id, options) {
    const number = numberOf(id);
    if (id !== `\0${list}` && number === undefined) return undefined;
    const file = path.join(root, 'README.md');
    this.addWatchFile(file);
    const blocks = codeBlocks(readFileSync(file, 'utf8')).filter(
      ({ language }) => language === 'ts',
    );
    if (number === undefined) {
      const entries = blocks.map(({ code, line }, index) => {
        const entry = { line, stage: stageOf(code), answers: withChecks(code).answers };
        const from = JSON.stringify(path.join(root, `README.${index}.ts`));
        return `{ ...${JSON.stringify(entry)}, run: () => import(${from}) }`;
      });
      return `export const snippets = [${entries.join(',\n')}];`;
    }
    return moduleOf(
      blocks[Number(number)]?.code ?? '',
      options?.ssr === true ? 'node' : 'chromium',
    );
  },
};

function stageOf(code: string): string {
  const names = Object.entries(stages).filter(([, { has }]) => code.includes(has));
  const [name, ...others] = names.map(([one]) => one);
  if (name !== undefined && others.length === 0) return name;
  throw new Error(`README.md: ${names.length} stages, not one, are for the snippet\n${code}`);
}

/** The snippet with its checks, on its stage. */
function moduleOf(code: string, platform: 'node' | 'chromium'): string {
  const { before = '', replaced = [], replacedIn = {} } = stages[stageOf(code)] ?? { has: '' };
  let text = withChecks(code).code;
  for (const [from, to] of [...replaced, ...(replacedIn[platform] ?? [])]) {
    if (!text.includes(from)) throw new Error(`README.md no longer says ${from} in\n${code}`);
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
