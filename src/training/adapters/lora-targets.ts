// The layers of a model that low-rank updates can be added to, and the choice among them.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Linear } from '../../model/weights/linear-weights.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import type { WeightSlice } from '../../model/weights/parameters.ts';
import { type NamePattern, testOf } from '../trainable.ts';
import { type RenamedLayer, renamedLayers } from './class-names.ts';

/** Consecutive rows of a weight tensor that are rows of a layer. */
export interface LayerRows {
  readonly tensor: Tensor;
  /** The row of `tensor` where they begin, and how many there are. */
  readonly first: number;
  readonly out: number;
  /** Which rows of the layer they are: so many each from these on, in turn. */
  readonly runs: readonly { readonly from: number; readonly rows: number }[];
}

/** A linear layer, or an embedding: rows of weight tensors, which may hold several layers one below the other. */
export interface AdaptableLayer {
  /** The module's name: that of its weight in the checkpoint, without `.weight`. */
  readonly name: string;
  /** Where its rows are: together, unless the model reads them apart. */
  readonly pieces: readonly LayerRows[];
  /** Features out and in: the matrix is (out, input), however the checkpoint has it. */
  readonly out: number;
  readonly input: number;
  /** Whether the checkpoint has it as (input, out), as a `Conv1D`. */
  readonly transposed: boolean;
  /** Whether its rows are looked up by token; then `out` is the vocabulary, and `input` the size of vectors. */
  readonly isEmbedding: boolean;
  /** Whether it is the output layer, too, which an update of an embedding leaves alone. */
  readonly isTied: boolean;
  /** How many experts there are, of parameters that hold a matrix of each; `out` and `input` are those of one. */
  readonly experts?: number;
  /** The name in files, where it is another one than the module's. */
  readonly fileName?: string;
}

/** What modules a model has: those that can be adapted by name, and why others cannot. */
export interface Modules {
  readonly layers: ReadonlyMap<string, AdaptableLayer>;
  /** Layers under other names, those of the class, where the file has older ones. */
  readonly renamed: ReadonlyMap<string, RenamedLayer>;
  readonly others: ReadonlyMap<string, string>;
}

const suffix = '.weight';

const plain = { transposed: false, isEmbedding: false, isTied: false };

/** The modules of a model that have a weight. */
export function modulesOf(model: TrainableModel): Modules {
  const { linears, slices, embeddings } = model;
  const layers = new Map<string, AdaptableLayer>();
  const others = new Map<string, string>();
  const weights = new Map<Tensor, Linear['parts']>();
  // PEFT has matrices of other shapes for them.
  const convolutions = new Set(
    slices.filter(({ shape }) => shape.length > 2).map(({ tensor }) => tensor),
  );
  for (const { weight: tensor, parts } of linears) {
    if (embeddings.includes(tensor)) continue;
    const whole = wholeParts(parts);
    weights.set(tensor, whole);
    if (convolutions.has(tensor)) {
      for (const { name } of parts) others.set(name, 'a convolution');
      continue;
    }
    for (const part of whole) {
      layers.set(part.name, {
        ...plain,
        ...part,
        pieces: [wholePiece(tensor, part)],
        input: tensor.size(-1),
      });
    }
  }
  const inClass = classNames(model);
  for (const { name, tensor, first } of slices) {
    const expert = /^.*\.experts\..*?(?=(?:\.weight)?$)/.exec(name)?.[0];
    if (expert !== undefined) {
      others.set(expert, 'of an expert (see targetParameters)');
      continue;
    }
    if (!name.endsWith(suffix)) continue;
    const module = name.slice(0, -suffix.length);
    const parts = weights.get(tensor);
    if (parts !== undefined) {
      const row = first / tensor.size(-1);
      const isKnown = wholeParts(parts).some(
        (part) => part.first <= row && row < part.first + part.out,
      );
      if (isKnown || layers.has(module)) continue;
      const apart = layerApart(module, slices);
      if (apart === undefined) others.set(module, 'in rows that stand apart here');
      else layers.set(module, apart);
      continue;
    }
    const stacks = embeddings.filter((table) => table === tensor).length;
    if (stacks === 0) others.set(module, 'no matrix');
    // PEFT updates the modules that look it up apart.
    else if (stacks > 1) others.set(inClass(module), 'an embedding of several stacks');
    else {
      const own = inClass(module);
      const isTied = linears.some(({ weight }) => weight === tensor);
      const [out, input] = [tensor.size(0), tensor.size(-1)];
      const pieces = [wholePiece(tensor, { first: 0, out })];
      layers.set(own, { ...plain, name: own, pieces, out, input, isEmbedding: true, isTied });
    }
  }
  return { layers, renamed: renamedLayers(model.config, layers.values()), others };
}

/** Those that are a module each, and not some rows of one. */
function wholeParts(parts: Linear['parts']): Linear['parts'] {
  return parts.filter((part) => parts.every((one) => one === part || one.name !== part.name));
}

/** Rows that stand together, in their order. */
function wholePiece(tensor: Tensor, { first, out }: { first: number; out: number }): LayerRows {
  return { tensor, first, out, runs: [{ from: 0, rows: out }] };
}

/** A layer of whose rows some stand here and some there, below each other; undefined where that is otherwise. */
function layerApart(name: string, all: readonly WeightSlice[]): AdaptableLayer | undefined {
  const slices = all.filter((slice) => slice.name === name + suffix);
  const { shape: [out = 0, input = 0] = [] } = slices[0] ?? {};
  const pieces = [...new Set(slices.map(({ tensor }) => tensor))].map((tensor) => {
    const own = slices.filter((slice) => slice.tensor === tensor);
    const inOrder = own.toSorted((one, other) => one.first - other.first);
    const runs = inOrder.map(({ storedFirst, size }) => ({
      from: storedFirst / input,
      rows: size / input,
    }));
    const rows = runs.reduce((sum, run) => sum + run.rows, 0);
    return { tensor, first: (inOrder[0]?.first ?? 0) / input, out: rows, runs };
  });
  const isWhole = ({ transposed, order }: WeightSlice): boolean => !transposed && !order;
  const areTogether = pieces.every(({ tensor, first, runs }) => {
    let end = first * input;
    return runs.every(({ from, rows }) => {
      const begin = end;
      end += rows * input;
      return slices.some(
        (slice) =>
          slice.tensor === tensor && slice.first === begin && slice.storedFirst === from * input,
      );
    });
  });
  const found = pieces.reduce((sum, piece) => sum + piece.out, 0);
  if (found !== out || !areTogether || !slices.every(isWhole)) return undefined;
  return { ...plain, name, pieces, out, input };
}

/** Makes names in files those of the class: they differ, if at all, in what the linear layers have before theirs. */
function classNames({ linears, slices }: TrainableModel): (name: string) => string {
  const stored = new Map(slices.map(({ tensor, first, name }) => [tensor, { first, name }]));
  for (const { weight, parts } of linears) {
    const { first, name = '' } = stored.get(weight) ?? {};
    const part = parts.find((one) => one.first * weight.size(-1) === first);
    if (part === undefined) continue;
    const [inClass, inFile] = [part.name, name.replace(/\.weight$/, '')];
    if (inClass === inFile) continue;
    if (inClass.endsWith(inFile)) {
      const before = inClass.slice(0, -inFile.length);
      return (own) => before + own;
    }
    if (inFile.endsWith(inClass)) {
      const before = inFile.slice(0, -inClass.length);
      return (own) => (own.startsWith(before) ? own.slice(before.length) : own);
    }
  }
  return (own) => own;
}

/** All layers by the names of the class. */
export function classLayers({ layers, renamed }: Modules): Modules['layers'] {
  const older = new Set([...renamed.values()].map(({ inFile }) => inFile));
  return new Map([...[...layers].filter(([name]) => !older.has(name)), ...renamed]);
}

/** What makes queries and values, under the names that families give it: apart, or together with keys. */
const queriesAndValues =
  /\.(?:q|v|query|value|[qv]_(?:proj|lin)|(?:query|value)_proj|q_attn|c_attn|query_key_value|qkv|qkv_proj|Wqkv|in_proj_qkv)$|(?:attn|\.self)\.in_proj$/;

/**
 * The layers whose names fit one of the patterns, in the file or in the class; each pattern must fit at least one.
 * Without patterns those that make queries and values, by the names of the class.
 * @throws TransformerError OPTION_INVALID
 */
export function selectLayers(
  modules: Modules,
  patterns: readonly NamePattern[] | undefined,
): AdaptableLayer[] {
  const { layers, renamed, others: unfit } = modules;
  const all = [...layers.values(), ...renamed.values()];
  if (patterns === undefined) {
    const usual = [...classLayers(modules).values()].filter(({ name }) =>
      queriesAndValues.test(name),
    );
    if (usual.length > 0) return usual;
    throw new TransformerError(
      'OPTION_INVALID',
      'The model has no layers that make queries and values under known names. Pass targets: ' +
        `one of its layers is "${[...layers.keys()][0] ?? ''}".`,
    );
  }
  const tests = patterns.map(testOf);
  for (const [index, test] of tests.entries()) {
    for (const [name, kind] of unfit) {
      if (!test(name)) continue;
      throw new TransformerError(
        'OPTION_INVALID',
        `targets: ${show(String(patterns[index]))} fits "${name}", which is ${kind}; low-rank updates ` +
          'are for linear layers and embeddings of tokens. Name those only.',
      );
    }
    if (all.some(({ name }) => test(name))) continue;
    const pattern = patterns[index] ?? '';
    throw new TransformerError(
      'OPTION_INVALID',
      `targets: no layer has a name like ${show(String(pattern))}. ${hint(pattern, layers)}`,
    );
  }
  const fits = ({ name }: AdaptableLayer): boolean => tests.some((test) => test(name));
  const fitting = [...layers.values()].filter(fits);
  const taken = new Set(fitting.map(({ name }) => name));
  const others = [...renamed.values()].filter((layer) => fits(layer) && !taken.has(layer.inFile));
  return [...fitting, ...others];
}

/** The nearest name of as many parts as the pattern has, else one of the names there are. */
function hint(pattern: NamePattern, layers: ReadonlyMap<string, AdaptableLayer>): string {
  const names = [...layers.keys()];
  const text = (pattern instanceof RegExp ? pattern.source : pattern).replaceAll(/^[*.]+/g, '');
  const parts = text.split('.').length;
  const ends = new Map(names.map((name) => [name.split('.').slice(-parts).join('.'), name]));
  const nearest = nearestName(text, [...ends.keys()]);
  if (nearest === undefined) return `One of them is "${names[0] ?? ''}".`;
  return `Did you mean "${ends.get(nearest) === nearest ? '' : '*'}${nearest}"?`;
}
