// Makes the declarations that tsc wrote to dist/types those that users read: only what the entries
// lead to, in words that every TypeScript since 5.4 and every way to resolve modules understand.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A top-level statement with the comment before it. `from` is the module that an import or export
 * names; '' when it names none, or a package.
 * @typedef {object} Statement
 * @property {'import' | 'reexport' | 'all' | 'export' | 'declaration'} kind
 * @property {string} text
 * @property {string} from
 * @property {readonly { there: string, here: string, text: string }[]} names
 * @property {Set<string>} words
 * @property {Set<string>} used those of `names` that the entries lead to
 */

const folder = fileURLToPath(new URL('../dist/types', import.meta.url));
const entries = [
  'index',
  'index.node',
  'interpret/index',
  'jobs/index',
  'metrics/index',
  'serve/index',
  'training/index',
];
const isComment = /^\/\*\*.*\*\/$/s;

/** @type {Map<string, Statement[]>} */
const modules = new Map();

/**
 * The statements of a module; tsc begins each at the start of a line.
 * @param {string} module its path, without extension
 * @returns {Statement[]}
 */
function statementsOf(module) {
  const known = modules.get(module);
  if (known !== undefined) return known;
  const text = readFileSync(path.join(folder, `${module}.d.ts`), 'utf8').trimEnd();
  const parts = text.split(/\n(?=[a-z]|\/\*\*)/);
  const statements = parts.flatMap((part, index) => {
    if (isComment.test(part)) return [];
    const before = parts[index - 1] ?? '';
    return parse(isComment.test(before) ? `${before}\n${part}` : part, module);
  });
  modules.set(module, statements);
  return statements;
}

/**
 * @param {string} text
 * @param {string} module
 * @returns {Statement}
 */
function parse(text, module) {
  const code = text.replaceAll(/\/\*.*?\*\//gs, '').trimStart();
  const words = new Set(code.match(/[\w$]+/g));
  const used = new Set(/** @type {string[]} */ ([]));
  const common = { text, words, used };
  const [, keyword, list, place] =
    /^(import|export)(?: type)? (\*|\{[^}]*\})(?: from '([^']+)')?;/.exec(code) ?? [];
  if (keyword === undefined || list === undefined) {
    const [, name] =
      /^(?:export )?(?:declare )?(?:function|class|const|interface|type) ([\w$]+)/.exec(code) ?? [];
    if (name !== undefined) {
      return {
        ...common,
        kind: 'declaration',
        from: '',
        names: [{ there: name, here: name, text }],
      };
    }
    if (code.startsWith("import '")) return { ...common, kind: 'import', from: '', names: [] };
    throw new Error(`${module} has a statement that is not understood: ${text}`);
  }
  const local = place?.startsWith('.') === true;
  const from = local ? path.posix.join(path.posix.dirname(module), place.replace(/\.ts$/, '')) : '';
  const names = list.split(/[{},]/).flatMap((item) => {
    const [, there, here = there] = /^(?:type )?([\w$]+)(?: as ([\w$]+))?$/.exec(item.trim()) ?? [];
    return there === undefined || here === undefined ? [] : [{ there, here, text: item.trim() }];
  });
  if (keyword === 'import') return { ...common, kind: 'import', from, names };
  if (list === '*') return { ...common, kind: 'all', from, names };
  return { ...common, kind: place === undefined ? 'export' : 'reexport', from, names };
}

/**
 * Keeps what declares a name in a module, and all that this leads to.
 * @param {string} module
 * @param {string} name
 */
function keep(module, name) {
  for (const { kind, names, from, words, used } of statementsOf(module)) {
    if (kind === 'all') keep(from, name);
    const found = names.find(({ here }) => here === name);
    if (found === undefined || used.has(name)) continue;
    used.add(name);
    if (from !== '') keep(from, found.there);
    if (kind === 'declaration') for (const word of words) keep(module, word);
    if (kind === 'export') keep(module, found.there);
  }
}

/**
 * A statement as it is written, or '' when nothing leads to it.
 * @param {Statement} statement
 */
function print({ kind, text, names, used }) {
  const bare = kind === 'all' || text === 'export {};';
  if (!bare && used.size === 0) return '';
  const some = names.filter(({ here }) => used.has(here)).map((name) => name.text);
  const listed = kind === 'import' || kind === 'reexport';
  const own = listed ? text.replace(/\{[^}]*\}/, `{ ${some.join(', ')} }`) : text;
  return (
    own
      .replaceAll(/'(\.[^']*)\.ts'/g, "'$1.js'")
      // Before 5.7, TypeScript's arrays of numbers had no type arguments.
      .replaceAll(/(\w+Array)<ArrayBuffer>/g, "ReturnType<$1Constructor['of']>")
  );
}

for (const entry of entries) {
  for (const { names } of statementsOf(entry)) for (const { here } of names) keep(entry, here);
}
const printed = [...modules].map(([module, statements]) => {
  const text = statements
    .map(print)
    .filter((statement) => statement !== '')
    .join('\n');
  // Programs need not have this library among theirs.
  const first = text.includes('Symbol.dispose')
    ? '/// <reference lib="esnext.disposable" />\n'
    : '';
  return { module, text: `${first}${text}\n` };
});
rmSync(folder, { recursive: true });
for (const { module, text } of printed.filter((one) => one.text.trim() !== '')) {
  const file = path.join(folder, `${module}.d.ts`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
