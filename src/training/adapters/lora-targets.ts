// The layers of a model that low-rank updates can be added to, and the choice among them.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Linear } from '../../model/weights/linear-weights.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import { type NamePattern, testOf } from '../trainable.ts';

/** A linear layer, or an embedding: rows of a weight tensor, which may hold several layers one below the other. */
export interface AdaptableLayer {
  /** The module's name: that of its weight in the checkpoint, without `.weight`. */
  readonly name: string;
  readonly tensor: Tensor;
  /** The row of `tensor` where its matrix begins. */
  readonly first: number;
  /** Features out and in: the matrix is (out, input), however the checkpoint has it. */
  readonly out: number;
  readonly input: number;
  /** Whether the checkpoint has it as (input, out), as a `Conv1D`. */
  readonly transposed: boolean;
  /** Whether its rows are looked up by token; then `out` is the vocabulary, and `input` the size of vectors. */
  readonly isEmbedding: boolean;
  /** Whether it is the output layer, too, which an update of an embedding leaves alone. */
  readonly isTied: boolean;
}

/** What modules a model has: those that can be adapted by name, and why others cannot. */
export interface Modules {
  readonly layers: ReadonlyMap<string, AdaptableLayer>;
  readonly others: ReadonlyMap<string, string>;
}

const suffix = '.weight';

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
    weights.set(tensor, parts);
    if (convolutions.has(tensor)) {
      for (const { name } of parts) others.set(name, 'a convolution');
      continue;
    }
    const kind = { isEmbedding: false, isTied: false };
    for (const part of parts) {
      layers.set(part.name, { ...part, ...kind, tensor, input: tensor.size(-1) });
    }
  }
  const inClass = classNames(model);
  for (const { name, tensor, first } of slices) {
    // PEFT reaches those by `target_parameters`.
    const expert = /^.*\.experts\..*?(?=(?:\.weight)?$)/.exec(name)?.[0];
    if (expert !== undefined) {
      others.set(expert, 'of an expert');
      continue;
    }
    if (!name.endsWith(suffix)) continue;
    const module = name.slice(0, -suffix.length);
    const parts = weights.get(tensor);
    if (parts !== undefined) {
      const row = first / tensor.size(-1);
      const isKnown = parts.some((part) => part.first <= row && row < part.first + part.out);
      if (!isKnown) others.set(module, 'in rows that stand apart here');
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
      const place = { tensor, first: 0, out, input, transposed: false };
      layers.set(own, { name: own, ...place, isEmbedding: true, isTied });
    }
  }
  return { layers, others };
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

/**
 * The layers whose names fit one of the patterns; each pattern must fit at least one.
 * @throws TransformerError OPTION_INVALID
 */
export function selectLayers(
  { layers, others }: Modules,
  patterns: readonly NamePattern[],
): AdaptableLayer[] {
  const tests = patterns.map(testOf);
  for (const [index, test] of tests.entries()) {
    for (const [name, kind] of others) {
      if (!test(name)) continue;
      throw new TransformerError(
        'OPTION_INVALID',
        `targets: ${show(String(patterns[index]))} fits "${name}", which is ${kind}; low-rank updates ` +
          'are for linear layers and embeddings of tokens. Name those only.',
      );
    }
    if ([...layers.keys()].some(test)) continue;
    const pattern = patterns[index] ?? '';
    throw new TransformerError(
      'OPTION_INVALID',
      `targets: no layer has a name like ${show(String(pattern))}. ${hint(pattern, layers)}`,
    );
  }
  return [...layers.values()].filter(({ name }) => tests.some((test) => test(name)));
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
