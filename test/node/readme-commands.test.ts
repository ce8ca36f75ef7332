// The commands of README.md through the built command, with the answers that stand behind them. What no
// test has, such as a model on the Hub, is replaced as `commands` says.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  buildCommand,
  captionFolder,
  drawingFolder,
  feed,
  root,
  taskFolder,
} from '../support/cli.ts';
import { docsPages } from '../support/docs-pages.ts';
import { detectorFolder, drawBlocks, jsonLines, objectRow } from '../support/objects.ts';
import { codeBlocks, shellWords } from '../support/snippets.ts';

// Several processes, each of which opens a device.
vi.setConfig({ testTimeout: 180_000 });
beforeAll(buildCommand);

const folder = await mkdtemp(path.join(tmpdir(), 'readme-'));
afterAll(() => rm(folder, { recursive: true }));
const run = path.join(folder, 'run');
const pairs = path.join(folder, 'pairs.tsv');
await writeFile(pairs, '>>de<<in 3 days\tin 3 Tagen\n>>fr<<in 3 days\tdans 3 jours\n');
const chats = path.join(folder, 'chat.jsonl');
await writeFile(chats, '{"messages": [{"role": "assistant", "content": "Marie Curie"}]}\n');
const texts = path.join(folder, 'texts.jsonl');
await writeFile(texts, '{"text": "Marie Curie was born in Warsaw."}\n'.repeat(40));
const topics = path.join(folder, 'topics.csv');
await writeFile(topics, `text,label\n${'Marie,neutral\nCurie,entailment\n'.repeat(10)}`);
const street = path.join(folder, 'street');
const drawn = await drawBlocks(street, 20);
const rows = jsonLines(drawn.map((one) => objectRow(one, ['car'])));
await writeFile(path.join(street, 'metadata.jsonl'), rows);
// Root does not run PostgreSQL itself, and who does must get in.
await chmod(folder, 0o755);
await mkdir(path.join(folder, 'shards'));
await writeFile(path.join(folder, 'shards/part-7.jsonl'), '{"text": "Marie Curie"}\n');
const queue = ['--data', path.join(folder, 'queue')];
const queued = [...queue, '--root', tmpdir()];
const chat = await taskFolder('gpt2');
const lines = 'Marie Curie was born in Warsaw.\nThe film was good!\n';

interface Run {
  /** What the command begins with. */
  readonly begin: string;
  /** Words of it, and what stands for them. */
  readonly replaced?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
  /** What comes on stdin, in place of a file too. */
  readonly stdin?: string;
  readonly prints: RegExp;
  readonly code?: number;
}

const fixture = (name: string): string => path.join(root, 'test/fixtures', name);

const commands: readonly Run[] = [
  // Lines that are one translation are compared with the answer behind them.
  { begin: 'translate', prints: /^/ },
  { begin: 'generate It', prints: /\S/ },
  {
    begin: 'generate hf:owner/name Once',
    replaced: { 'hf:owner/name': chat },
    more: ['--max-new-tokens', '3'],
    prints: /\S/,
  },
  {
    begin: 'generate hf:owner/name --chat',
    replaced: { 'hf:owner/name': chat },
    more: ['--max-new-tokens', '3'],
    stdin: 'Marie Curie\n',
    prints: /\S/,
  },
  {
    begin: 'classify DIR What',
    replaced: { DIR: await taskFolder('bert/nli') },
    prints: /^\w+\t0\.\d{4}\n$/,
  },
  {
    begin: 'classify DIR --labels',
    replaced: { DIR: await taskFolder('bert/nli') },
    stdin: lines,
    prints: /^((sports|politics)\t0\.\d{4}\t?){2}\n.+\n$/,
  },
  {
    begin: 'ner',
    replaced: { DIR: await taskFolder('bert/ner') },
    prints: /^(\S+\t\w+\t0\.\d{4}\t?)+\n$/,
  },
  {
    begin: 'fill-mask',
    replaced: { DIR: await taskFolder('bert/mlm') },
    prints: /^(\S+\t0\.\d{4}\t?){2,}\n$/,
  },
  // The translator is a model from text to text, whatever is asked of it.
  {
    begin: 'summarize',
    replaced: { DIR: path.join(root, 'models/phrases') },
    stdin: '>>de<<in 3 days\n',
    prints: /^in 3 Tagen\n/,
  },
  {
    begin: 'similarity',
    replaced: { DIR: await taskFolder('bert/features') },
    prints: /^-?[01]\.\d{4}/,
  },
  {
    begin: 'rank',
    replaced: { DIR: await taskFolder('bert/rank') },
    stdin: lines,
    prints: /^(-?\d\.\d{4}\t.+\n){2}/,
  },
  {
    begin: 'embed',
    replaced: { DIR: await taskFolder('bert/features') },
    stdin: lines,
    prints: /^\[.+\]\n\[.+\]\n$/,
  },
  { begin: 'ask', replaced: { DIR: await taskFolder('bert/qa') }, stdin: lines, prints: /\S\n$/ },
  {
    begin: 'hear DIR speech.wav',
    replaced: {
      DIR: fixture('whisper_task'),
      'speech.wav': fixture('whisper_task/one.wav'),
    },
    prints: /^(\d\.\d\d\t\d\.\d\d\t.+\n)+$/,
  },
  {
    begin: 'see DIR cat.jpg --top-k',
    replaced: { DIR: fixture('vit'), 'cat.jpg': fixture('processors/odd.png') },
    prints: /^(LABEL_\d\t0\.\d{4}\t?){3}\n$/,
  },
  {
    begin: 'see DIR cat.jpg --detect',
    replaced: { DIR: fixture('variants/yolos'), 'cat.jpg': fixture('processors/odd.png') },
    more: ['--threshold', '0.01'],
    prints: /^(\S+\t\w+\t0\.\d{4}(\t-?\d+){4}\n)+$/,
  },
  {
    begin: 'see DIR cat.jpg --caption',
    replaced: { DIR: await captionFolder(), 'cat.jpg': fixture('processors/odd.png') },
    prints: /\S/,
  },
  {
    begin: 'see DIR cat.jpg --labels',
    replaced: { DIR: fixture('tasks/clip'), 'cat.jpg': fixture('processors/odd.png') },
    prints: /^((cat|dog)\t0\.\d{4}\t?){2}\n$/,
  },
  {
    begin: 'draw DIR',
    replaced: { DIR: await drawingFolder(), 'drawing.png': path.join(folder, 'drawing.png') },
    prints: /drawing\.png\n$/,
  },
  {
    begin: 'jobs create',
    replaced: {
      texts: path.join(folder, 'shards'),
      'hf:owner/name': await taskFolder('bert/features'),
      vectors: path.join(folder, 'vectors'),
    },
    more: queued,
    prints: /^Queued 1 of 1 shards in "shards"\.\n$/,
  },
  { begin: 'jobs work', more: queued, prints: /\/part-7\.jsonl\twritten\t.+\t1 rows\t/ },
  { begin: 'jobs status', more: queue, prints: /^done +1\ndead +0$/m },
  {
    begin: 'train --out runs/street',
    replaced: {
      'runs/street': path.join(folder, 'finds'),
      DIR: await detectorFolder(folder),
      'street/': street,
    },
    more: ['--steps', '2', '--batch-size', '2'],
    prints: /19 pictures with objects of 1 labels[\s\S]*map50/,
  },
  {
    begin: 'train --out runs/topics',
    replaced: {
      'runs/topics': path.join(folder, 'topics'),
      DIR: await taskFolder('bert/nli'),
      'topics.csv': topics,
    },
    more: ['--steps', '1', '--batch-size', '1'],
    prints: /The best is that of step 1, macroF1 /,
  },
  {
    begin: 'train --out runs/chat',
    replaced: { 'runs/chat': path.join(folder, 'chat'), DIR: chat, 'chat.jsonl': chats },
    more: ['--steps', '1', '--batch-size', '1', '--targets', '*.c_attn'],
    prints: /The adapter is in .+ generate .+ --adapter /s,
  },
  {
    begin: 'train --out runs/new',
    replaced: { 'runs/new': path.join(folder, 'new'), DIR: chat, 'texts.jsonl': texts },
    more: ['--steps', '1', '--batch-size', '1', '--pack', '8'],
    prints: /tokens of .+ held out, rows of 8.+Trained 1 steps/s,
  },
  {
    begin: 'evaluate DIR',
    replaced: { DIR: chat, 'texts.jsonl': texts },
    prints: /^perplexity \d+\.\d{3} a token, \d+\.\d{4} bits a byte\n/,
  },
  {
    begin: 'train --out runs/mine',
    replaced: { 'runs/mine': path.join(folder, 'mine'), 'pairs.tsv': pairs },
    more: ['--steps', '1', '--batch-size', '2'],
    prints: /Trained 1 steps/,
  },
  {
    begin: 'train --quick',
    replaced: { 'runs/quick': path.join(folder, 'quick') },
    more: ['--steps', '1', '--batch-size', '6'],
    prints: /phrases in de, en, fr,.+Evaluate/s,
  },
  { begin: 'train', more: ['--out', run, '--steps', '1', '--batch-size', '6'], prints: /Evaluate/ },
  {
    begin: 'evaluate runs/topics/best',
    replaced: { 'runs/topics/best': path.join(folder, 'topics', 'best'), 'test.csv': topics },
    prints: /^accuracy \d+\.\d % {2}macro f1 \d\.\d{4}\n20 rows of /,
  },
  {
    begin: 'evaluate runs/',
    replaced: { 'runs/mine': run, 'runs/phrases': run },
    more: ['--count', '1'],
    prints: /^48 phrases that training never saw in /m,
    code: 1,
  },
  { begin: 'info', replaced: { 'hf:owner/name': chat }, prints: /model type +gpt2/ },
  { begin: 'doctor --model', replaced: { DIR: await taskFolder('bert/qa') }, prints: /✓ model: / },
];

/** Lines that other tests run as they are. */
const elsewhere: Readonly<Record<string, string>> = {
  evaluate: 'test/node/train-cli.test.ts',
  doctor: 'test/node/cli.test.ts',
  'serve hf:owner/name --port 8000': 'test/node/cli-serve.test.ts',
};

interface Line {
  readonly words: readonly string[];
  readonly answer: string;
}

/** The lines of a document's shell blocks, `npm ci &&` left out. */
async function shellLines(file: string): Promise<Line[]> {
  const blocks = codeBlocks(await readFile(path.join(root, file), 'utf8'));
  return blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trimEnd().split('\n').map(shellWords))
    .map(({ words, comment }) => ({
      words: words.slice(words.indexOf('&&') + 1),
      answer: comment,
    }));
}

/** The command of this package that a line runs, if it does; a file on stdin left out. */
function commandOf(words: readonly string[]): readonly string[] | undefined {
  const [program, name, ...rest] = words.slice(
    0,
    words.includes('<') ? words.indexOf('<') : undefined,
  );
  const [task, ...args] = rest;
  if (program === 'npx' && name === 'webgpu-transformer') return untilOutput(rest);
  if (program !== 'npm') return undefined;
  if (name === 'start') return ['translate', ...rest.slice(1)];
  if (name === 'run' && (task === 'train' || task === 'evaluate')) return [task, ...args.slice(1)];
  return undefined;
}

function untilOutput(words: readonly string[]): readonly string[] {
  return words.includes('>') ? words.slice(0, words.indexOf('>')) : words;
}

const readme = await shellLines('README.md');
const ours = readme.flatMap(({ words, answer }) => {
  const command = commandOf(words);
  return command === undefined ? [] : [{ command, answer, text: command.join(' ') }];
});
// The run that others evaluate comes first.
const here = ours
  .filter(({ text }) => elsewhere[text] === undefined)
  .toSorted((a, b) => Number(b.text === 'train') - Number(a.text === 'train'));

test.each(here)('$text', async ({ command, answer, text }) => {
  const known = commands.find(({ begin }) => text.startsWith(begin));
  if (known === undefined)
    throw new Error(`README.md: no entry of "commands" runs this line: ${text}`);
  const { replaced = {}, more = [], stdin = '', prints, code: wanted = 0 } = known;
  const words = command.map((word) => replaced[word] ?? word);
  const { code, stdout, stderr } = await feed(stdin, ...words, ...more);
  expect({ code, why: code === wanted ? '' : stderr }).toEqual({ code: wanted, why: '' });
  expect(stdout).toMatch(prints);
  if (command[0] === 'translate') expect(stdout.split('\n')[0]).toBe(answer);
});

test('every line of this package is run', () => {
  const begun = commands.filter(({ begin }) => here.some(({ text }) => text.startsWith(begin)));
  expect(begun).toHaveLength(commands.length);
  const translations = here.filter(({ command }) => command[0] === 'translate');
  expect(translations.length).toBeGreaterThanOrEqual(3);
  for (const [text, file] of Object.entries(elsewhere)) {
    expect(ours.map((line) => line.text)).toContain(text);
    expect(existsSync(path.join(root, file))).toBe(true);
  }
});

test('scripts and files that the documents name are there', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [];
  for (const file of [
    'README.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    'examples/README.md',
    'models/digits/README.md',
    'models/novels/README.md',
    'models/phrases/README.md',
    ...docsPages(root),
  ]) {
    const text = await readFile(path.join(root, file), 'utf8');
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) named.push(script);
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(existsSync(path.resolve(root, path.dirname(file), target)), `${file}: ${target}`).toBe(
        true,
      );
    }
  }
  expect(named.length).toBeGreaterThan(8);
  for (const script of named) expect(Object.keys(scripts)).toContain(script);
});
