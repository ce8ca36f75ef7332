// How much a page downloads that bundles `import { pipeline }`: JavaScript with its WGSL, minified
// and compressed, at first and for a use, and in how many files.
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, test } from 'vitest';
import {
  compactWgsl,
  external,
  ggufReader,
  groups,
  inlineRuntime,
} from '../support/library-build.ts';

type Chunk = Rolldown.OutputChunk;

const root = new URL('../..', import.meta.url).pathname;
const entry = '\0entry';

/** The chunks of a bundle, by their file names. */
async function bundle(): Promise<Map<string, Chunk>> {
  const result = await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: 'src/index.ts', formats: ['es'] },
      rolldownOptions: {
        input: entry,
        external,
        output: { codeSplitting: { groups }, minify: true },
        checks: { ineffectiveDynamicImport: false },
      },
    },
    plugins: [
      compactWgsl,
      ggufReader,
      inlineRuntime,
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) =>
          id === entry ? `export { pipeline } from '${root}src/index.ts';` : undefined,
      },
    ],
  });
  const [output] = [result].flat();
  if (output === undefined || !('output' in output)) throw new Error('nothing was built');
  const chunks = output.output.filter((item) => item.type === 'chunk');
  return new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
}

const chunks = await bundle();

/** The files that come with these modules of src. */
function filesOf(...modules: readonly string[]): Set<string> {
  const files = new Set<string>();
  const add = (file: string): void => {
    const chunk = chunks.get(file);
    if (chunk === undefined || files.has(file)) return;
    files.add(file);
    chunk.imports.forEach(add);
  };
  for (const module of modules) {
    const id = module === entry ? module : `${root}src/${module}`;
    const found = [...chunks.values()].find(({ moduleIds }) => moduleIds.includes(id));
    if (found === undefined) throw new Error(`${module} is in no file`);
    add(found.fileName);
  }
  return files;
}

function kilobytes(files: Iterable<string>): number {
  const sizes = Array.from(files, (file) => {
    return gzipSync(chunks.get(file)?.code ?? '', { level: 9 }).length;
  });
  return sizes.reduce((sum, size) => sum + size, 0) / 1000;
}

/** Modules of src that stand in these files. */
function modulesIn(files: Iterable<string>): string[] {
  const ids = Array.from(files, (file) => chunks.get(file)?.moduleIds ?? []).flat();
  return ids.map((id) => id.replace(`${root}src/`, ''));
}

const first = filesOf(entry);
const remote = ['source/http-source.ts', 'source/cached-source.ts', 'source/cache-store.ts'];
const classification = [
  'tokenizer/tokenizer.ts',
  'tasks/text/text-classification.ts',
  'model/sequence-model.ts',
  'model/sequence-plan.ts',
  'model/families/encoders/bert.ts',
  'shaders/matmul/matmul-tile.wgsl?raw',
];
const chat = [
  'tokenizer/tokenizer.ts',
  'tasks/text/text-generation.ts',
  'tokenizer/chat-template.ts',
  'model/sequence-model.ts',
  'model/generation/loaded-generation.ts',
  'model/families/decoders/llama.ts',
  'shaders/matmul/matmul-tile.wgsl?raw',
  'shaders/choice/warp.wgsl?raw',
];
const translation = [
  'tokenizer/tokenizer.ts',
  'tasks/text/translation.ts',
  'model/encoder-decoder.ts',
  'model/generation/loaded-generation.ts',
  'model/families/pairs/marian.ts',
  'shaders/matmul/matmul-tile.wgsl?raw',
  'shaders/choice/warp.wgsl?raw',
  'shaders/choice/beam.ts',
  'model/generation/beam-search.ts',
];

/** What is loaded, its kB at most, and its files; of these an app's own bundle takes in the first three. */
const uses: readonly (readonly [string, readonly string[], number, number])[] = [
  ['the import alone', [], 25.6, 3],
  ['classification with BERT from a URL', [...remote, ...classification], 89.6, 10],
  ['generation with Llama from the Hub', [...remote, ...chat], 120.4, 14],
  ['translation with Marian from a URL', [...remote, ...translation], 115.7, 12],
];

test.each(uses)('%s', (_, modules, most, requests) => {
  const files = filesOf(entry, ...modules);
  const size = kilobytes(files);
  console.log(`${size.toFixed(1)} kB in ${files.size} files`);
  expect(size).toBeGreaterThan(most / 2);
  expect(size).toBeLessThan(most);
  expect(files.size).toBeLessThanOrEqual(requests);
  // None of it brings training or what another use needs.
  const strays =
    /tokenizer\/vocabulary|training\/|self-|-backward|-gradient|parameter-arena|file-source/;
  expect(modulesIn(files).filter((id) => strays.test(id))).toEqual([]);
});

test('everything there is, in files that are worth a request', () => {
  const all = kilobytes(chunks.keys());
  console.log(`${all.toFixed(1)} kB in all`);
  expect(all).toBeLessThan(354);
  const small = [...chunks].filter(([file, { code }]) => code.length < 800 && !first.has(file));
  expect(small.map(([file]) => file)).toEqual([]);
});

test('a first product waits for no text that comes apart, on a GPU for one that is asked for early', () => {
  const product = modulesIn(filesOf('shaders/matmul/matmul.ts'));
  for (const text of ['four', 'subgroup']) {
    expect(product).toContain(`shaders/matmul/matmul-${text}.wgsl?raw`);
  }
  // By what asks for it as soon as there is a device.
  expect(modulesIn(first)).toContain('runtime/late-texts.ts');
  const apart = filesOf('shaders/matmul/matmul-tile.wgsl?raw');
  expect(apart).toEqual(filesOf('shaders/attention/attention-tile.wgsl?raw'));
  expect(apart.size).toBe(1);
});

test('what is loaded later is not loaded at first', () => {
  const later = [...remote, ...classification, ...chat, ...translation];
  for (const module of later) expect(modulesIn(first)).not.toContain(module);
  // A classifier does not generate, a language model has no encoder.
  const classifier = modulesIn(filesOf(entry, ...remote, ...classification));
  expect(
    classifier.filter((id) =>
      /generation\/(?!prompt|option-reader)|beam|decoder|cross-att/.test(id),
    ),
  ).toEqual([]);
  const chats = modulesIn(filesOf(entry, ...chat));
  expect(chats.filter((id) => /encoder-decoder|http-source|cached-source/.test(id))).toEqual([]);
});
