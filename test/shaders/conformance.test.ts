// Every kernel there is compiles with every switch, and its declaration says what its text says.
import { expect, test } from 'vitest';
import {
  type Constant,
  type Kernel,
  type Snippet,
  type Variant,
  variantOf,
} from '../../src/runtime/kernel.ts';
import { blocksOf, type Dtype } from '../../src/runtime/dtype.ts';
import { type Matrices, matrixFeature } from '../../src/runtime/matrices.ts';
import { allKernels } from '../../src/shaders/index.ts';
import { references } from '../reference/index.ts';
import { withGpu } from '../support/gpu.ts';

const inBrowser = 'document' in globalThis;

const texts = import.meta.glob<string>('../../src/shaders/**/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const sources = import.meta.glob<string>('../../src/{shaders,runtime}/**/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Every choice of one value from each list. */
function combinations<T>(lists: Readonly<Record<string, readonly T[]>>): Record<string, T>[] {
  return Object.entries(lists).reduce<Record<string, T>[]>(
    (known, [name, values]) =>
      known.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value }))),
    [{}],
  );
}

function formatsOf(kernel: Kernel): Record<string, Dtype[]> {
  const formats: Record<string, Dtype[]> = {};
  for (const part of kernel.code) {
    if (!('formats' in part)) continue;
    const all = Object.keys(part.formats) as Dtype[];
    const plain = all.filter((name) => blocksOf(name) === undefined);
    formats[part.binding] = plain.length > 0 ? plain : ['int4-32-f16', 'int8-64-f32', 'nf4-64'];
  }
  return formats;
}

/**
 * Variants in which every pair of choices occurs that occurs at all. Switches are independent `if`s
 * in the text, so this compiles every line with every other; the full product is thousands.
 */
function pairwise<T extends Record<string, unknown>>(all: readonly T[]): T[] {
  const pairsOf = (choice: T): string[] => {
    const parts = Object.entries(choice).map(([name, value]) => `${name}=${String(value)}`);
    return parts.flatMap((a, i) => [a, ...parts.slice(i + 1).map((b) => `${a} ${b}`)]);
  };
  const candidates = all.map((choice) => ({ choice, pairs: pairsOf(choice) }));
  const open = new Set(candidates.flatMap(({ pairs }) => pairs));
  const chosen: T[] = [];
  while (open.size > 0) {
    let best: (typeof candidates)[number] | undefined;
    let most = 0;
    for (const candidate of candidates) {
      const gain = candidate.pairs.filter((pair) => open.has(pair)).length;
      if (gain > most) [best, most] = [candidate, gain];
    }
    if (best === undefined) break;
    for (const pair of best.pairs) open.delete(pair);
    chosen.push(best.choice);
  }
  return chosen;
}

/** Whether a choice is of the matrices that a device multiplies; others it does not compile. */
function isOf(matrices: Matrices, choice: Record<string, unknown>): boolean {
  const sizes = { M: matrices.M, N: matrices.N, K: matrices.K, LANES: matrices.lanes };
  return Object.entries(sizes).every(([name, size]) => !(name in choice) || choice[name] === size);
}

type Choice = Record<string, Constant | Dtype>;

/** What may be chosen for a kernel: its switches, and the formats of its tensors. */
function choicesOf(kernel: Kernel): Record<string, readonly (Constant | Dtype)[]> {
  const choices: Record<string, readonly (Constant | Dtype)[]> = { ...kernel.constants };
  for (const [binding, formats] of Object.entries(formatsOf(kernel))) {
    choices[`format of ${binding}`] = formats;
  }
  return choices;
}

function chosenVariant(kernel: Kernel, choice: Choice): Variant {
  const bindings = Object.keys(formatsOf(kernel));
  const stored = bindings.map((binding) => [binding, choice[`format of ${binding}`]]);
  const constants = Object.keys(kernel.constants).map((name) => [name, choice[name]]);
  return variantOf(
    kernel,
    Object.fromEntries(constants) as Record<string, Constant>,
    Object.fromEntries(stored) as Record<string, Dtype>,
  );
}

function variantsOf(kernel: Kernel, matrices?: Matrices): Variant[] {
  const all = combinations(choicesOf(kernel)).filter(
    (choice) => matrices === undefined || isOf(matrices, choice),
  );
  const chosen = all.length > 4 ? pairwise(all) : all;
  // Formats in blocks are read by the same names: that all of them are, the embedding's tests prove.
  const isPlain = formatsOf(kernel)['weight']?.includes('f32') === true;
  const inBlocks = isPlain ? chosen.slice(0, 1) : [];
  return [
    ...chosen,
    ...inBlocks.map((choice) => ({ ...choice, 'format of weight': 'int4-32-f16' as const })),
  ].map((choice) => chosenVariant(kernel, choice));
}

/** The text with the first of all choices. */
function textOf(kernel: Kernel): string {
  const choices = Object.entries(choicesOf(kernel));
  const first = Object.fromEntries(choices.map(([name, [value]]) => [name, value]));
  return chosenVariant(kernel, first as Choice)
    .snippets.map((snippet) => loadedText(snippet))
    .join('\n');
}

/** The snippets of a part of a kernel, whatever the format. */
function piecesOf(part: Kernel['code'][number]): readonly Snippet[] {
  return 'text' in part ? [part] : Object.values(part.formats).flat();
}

/** The texts that are loaded with a first pipeline. */
const lateTexts = new Map<Snippet, string>();
for (const snippet of allKernels.flatMap(({ code }) => code.flatMap(piecesOf))) {
  if (typeof snippet.text !== 'string') {
    lateTexts.set(snippet, await snippet.text());
  }
}

function loadedText(snippet: Snippet): string {
  return typeof snippet.text === 'string' ? snippet.text : (lateTexts.get(snippet) ?? '');
}

// Hundreds of pipelines, which a software driver takes its time over.
test(
  'every kernel compiles with every pair of switches and formats',
  { timeout: 300_000 },
  async () => {
    const features = ['subgroups', matrixFeature];
    await withGpu({ features }, async (gpu) => {
      const subgroups = gpu.info.features.includes('subgroups');
      const hasMatrices = gpu.info.matrices !== undefined;
      // The others are compiled in Node.
      const isOurs = ({ subgroups: uses }: Kernel): boolean => uses || !inBrowser;
      const kernels = allKernels.filter(
        (kernel) =>
          isOurs(kernel) && (subgroups || !kernel.subgroups) && (hasMatrices || !kernel.matrices),
      );
      const variants = new Map(
        kernels
          .flatMap((kernel) => variantsOf(kernel, gpu.info.matrices))
          .map((variant) => [variant.key, variant]),
      );
      const settled = await Promise.allSettled(
        [...variants.values()].map((variant) => gpu.pipelines.get(variant)),
      );
      const failures = settled.filter((result) => result.status === 'rejected');
      expect(failures.map(({ reason }) => String(reason))).toEqual([]);
      expect(variants.size).toBeGreaterThan(kernels.length);
    });
  },
);

test('kernels of the subgroup tier are the only ones with subgroup operations', () => {
  for (const kernel of allKernels) {
    const uses = /\b(subgroup(?!_)|quad)[A-Z]\w*\(/.test(textOf(kernel));
    expect(uses, `kernel ${kernel.name}`).toBe(kernel.subgroups);
  }
});

test('names are unique, and every operation has a reference', () => {
  const names = allKernels.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const operations = new Set(allKernels.map(({ operation }) => operation));
  expect([...operations].toSorted()).toEqual(Object.keys(references).toSorted());
});

test('struct Params is what the declaration says, in order', () => {
  for (const kernel of allKernels) {
    const found = [...textOf(kernel).matchAll(/struct Params \{([^}]*)\}/g)];
    expect(found.length, `kernel ${kernel.name}`).toBe(1);
    const fields = [...found[0]![1]!.matchAll(/^\s*(\w+): (\w+),/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    expect(fields, `kernel ${kernel.name}`).toEqual(Object.entries(kernel.params));
  }
});

test('bindings are what the declaration says: numbers, names, access', () => {
  const pattern = /@group\((\d+)\) @binding\((\d+)\) var<([\w, ]+)> (\w+):/g;
  for (const kernel of allKernels) {
    const found = [...textOf(kernel).matchAll(pattern)].map(([, group, number, space, name]) => ({
      group,
      number: Number(number),
      space,
      name,
    }));
    const wanted = Object.entries(kernel.bindings).map(([name, access], i) => ({
      group: '0',
      number: i + 1,
      space: access === 'read' ? 'storage, read' : 'storage, read_write',
      name,
    }));
    expect(
      found.toSorted((a, b) => a.number - b.number),
      `kernel ${kernel.name}`,
    ).toEqual([{ group: '0', number: 0, space: 'uniform', name: 'params' }, ...wanted]);
    expect(wanted.length, `${kernel.name} within 8 storage buffers`).toBeLessThanOrEqual(8);
  }
});

test('each switch is used, and nothing else stands for a switch', () => {
  for (const kernel of allKernels) {
    const text = textOf(kernel);
    for (const name of Object.keys(kernel.constants)) {
      const uses = [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;
      // Once where it is put in front of the text, and at least once besides.
      expect(uses, `${kernel.name}: ${name}`).toBeGreaterThan(1);
    }
  }
});

test('every WGSL file belongs to a kernel, under its own name and with its own text', () => {
  const used = new Map<string, string>();
  for (const { code } of allKernels) {
    for (const snippet of code.flatMap(piecesOf)) {
      // The sizes of a block are no file.
      if (snippet.file.endsWith('.wgsl')) used.set(snippet.file, loadedText(snippet));
    }
  }
  const files = Object.entries(texts).map(([path, text]) => [path.split('/').at(-1)!, text]);
  expect(Object.fromEntries(used)).toEqual(Object.fromEntries(files));
  expect(files.length).toBeGreaterThan(20);
});

test('WGSL is tidy: an intent on top, no tabs, no trailing spaces, lines within 110', () => {
  for (const [path, text] of Object.entries(texts)) {
    expect(text.startsWith('// '), `${path} begins with its intent`).toBe(true);
    expect(text.endsWith('}\n') || text.endsWith(';\n'), `${path} ends with one newline`).toBe(
      true,
    );
    for (const [i, line] of text.split('\n').entries()) {
      expect(/\t|\s$/.test(line), `${path}:${i + 1} has a tab or trailing space`).toBe(false);
      expect(line.length, `${path}:${i + 1}`).toBeLessThanOrEqual(110);
    }
  }
});

test('variables in loops have a value of their own', () => {
  // Some compilers zero a variable without an initializer once, not once a turn. At the top of a
  // function that is the same; in a loop it is not, unless the next statement sets it.
  for (const [path, text] of Object.entries(texts)) {
    let depth = 0;
    const loops: number[] = [];
    for (const [i, line] of text.split('\n').entries()) {
      const code = line.replace(/\/\/.*/, '');
      if (/^\s*(for|while|loop)\b/.test(code)) loops.push(depth);
      const isBare = /^\s*var \w+: [^=;]*;/.test(code) && loops.length > 0;
      const name = /var (\w+)/.exec(code)?.[1];
      const next = text
        .split('\n')
        .slice(i + 1, i + 9)
        .join('\n');
      const isSet = new RegExp(`\\b${name}(\\[j\\])? = `).test(next);
      expect(isBare && !isSet, `${path}:${i + 1}`).toBe(false);
      depth += (code.match(/\{/g)?.length ?? 0) - (code.match(/\}/g)?.length ?? 0);
      while (loops.length > 0 && depth <= loops.at(-1)!) loops.pop();
    }
  }
});

test('no pipeline leaves its layout to the driver', () => {
  for (const [path, text] of Object.entries(sources)) {
    expect(/layout:\s*['"]auto['"]/.test(text), `layout in ${path}`).toBe(false);
  }
  expect(Object.keys(sources).length).toBeGreaterThan(10);
});

/** Pieces that several kernels are joined from; all other files have an entry point. */
const pieces = [
  'activation',
  'activation-derivative',
  'attention-backward-common',
  'attention-backward-register',
  'attention-backward-tile',
  'attention-common',
  'attention-decode-common',
  'attention-dropout',
  'attention-four',
  'attention-content',
  'attention-fours',
  'attention-index',
  'attention-kv-f16',
  'attention-kv-f32',
  'attention-kv4-f16',
  'attention-kv4-f32',
  'attention-one',
  'attention-positions',
  'attention-positions-register',
  'attention-positions-tile',
  'attention-positions-weights',
  'attention-score',
  'attention-softmax',
  'block-store',
  'bias-correction',
  'box-overlap',
  'cache-f16',
  'cache-f32',
  'codes-fp8',
  'convolution-input',
  'codes-int4',
  'codes-int8',
  'codes-table',
  'dynamic-codes',
  'element-1',
  'element-4',
  'expert-rows',
  'flags',
  'gumbel',
  'half-pair',
  'heads-common',
  'heads-f16',
  'heads-f32',
  'label',
  'matmul-blocks',
  'matmul-common',
  'matmul-four',
  'matmul-fours',
  'matmul-gated',
  'matmul-x',
  'matmul-x4',
  'matmul-one',
  'numbers',
  'random',
  'row-invocation',
  'row-moments',
  'row-softmax',
  'row-subgroup',
  'row-subgroups',
  'row-workgroup',
  'rules',
  'tanh',
  'delta-rates',
  'token-memory',
  'token-rule',
  'weight-bf16',
  'weight-blocks',
  'weight-f16',
  'weight-f32',
  'weight16-bf16',
  'weight16-blocks',
  'weight16-f16',
  'weight16-f32',
  'weight16-plain',
  'weight4-bf16',
  'weight4-f16',
  'weight4-f32',
  'workgroup',
  'preference-margin',
];

/** Bodies that two operations share. */
const bodies = ['norm', 'norm-backward'];

test('a file is a kernel with one entry point, or a shared piece with none', () => {
  const wrong: string[] = [];
  for (const [path, text] of Object.entries(texts)) {
    const name = path.replace(/^.*\/(.*)\.wgsl$/, '$1');
    const entries = text.split('@compute').length - 1;
    if (entries !== (pieces.includes(name) ? 0 : 1)) wrong.push(`${name}: ${entries} entry points`);
    const users = allKernels.filter(({ code }) =>
      code.flatMap(piecesOf).some(({ file }) => file === `${name}.wgsl`),
    );
    const operations = new Set(users.map(({ operation }) => operation));
    if (operations.size === 0) wrong.push(`${name}: in no kernel`);
    if (bodies.includes(name) && operations.size !== 2) wrong.push(`${name}: not shared`);
  }
  expect(wrong).toEqual([]);
});
