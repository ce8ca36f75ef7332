// The linear layers of a model that low-rank updates can be added to, and the choice among them.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Linear } from '../../model/weights/linear-weights.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import { type NamePattern, testOf } from '../trainable.ts';

/** A linear layer: rows of a weight tensor, which may hold several layers one below the other. */
export interface LinearLayer {
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
}

/** What modules a model has: linear layers by name, and why others are none. */
export interface Modules {
  readonly layers: ReadonlyMap<string, LinearLayer>;
  readonly others: ReadonlyMap<string, string>;
}

const suffix = '.weight';

/** The modules of a model that have a weight. */
export function modulesOf({ linears, slices, embeddings }: TrainableModel): Modules {
  const layers = new Map<string, LinearLayer>();
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
    for (const part of parts) layers.set(part.name, { ...part, tensor, input: tensor.size(-1) });
  }
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
    others.set(module, embeddings.includes(tensor) ? 'an embedding' : 'no matrix');
  }
  return { layers, others };
}

/**
 * The layers whose names fit one of the patterns; each pattern must fit at least one.
 * @throws TransformerError OPTION_INVALID
 */
export function selectLayers(
  { layers, others }: Modules,
  patterns: readonly NamePattern[],
): LinearLayer[] {
  const tests = patterns.map(testOf);
  for (const [index, test] of tests.entries()) {
    for (const [name, kind] of others) {
      if (!test(name)) continue;
      throw new TransformerError(
        'OPTION_INVALID',
        `targets: ${show(String(patterns[index]))} fits "${name}", which is ${kind}; low-rank updates ` +
          'are for linear layers. Name those only.',
      );
    }
    if ([...layers.keys()].some(test)) continue;
    const pattern = patterns[index] ?? '';
    throw new TransformerError(
      'OPTION_INVALID',
      `targets: no linear layer has a name like ${show(String(pattern))}. ${hint(pattern, layers)}`,
    );
  }
  return [...layers.values()].filter(({ name }) => tests.some((test) => test(name)));
}

/** The nearest name of as many parts as the pattern has, else one of the names there are. */
function hint(pattern: NamePattern, layers: ReadonlyMap<string, LinearLayer>): string {
  const names = [...layers.keys()];
  const text = (pattern instanceof RegExp ? pattern.source : pattern).replaceAll(/^[*.]+/g, '');
  const parts = text.split('.').length;
  const ends = new Map(names.map((name) => [name.split('.').slice(-parts).join('.'), name]));
  const nearest = nearestName(text, [...ends.keys()]);
  if (nearest === undefined) return `One of them is "${names[0] ?? ''}".`;
  return `Did you mean "${ends.get(nearest) === nearest ? '' : '*'}${nearest}"?`;
}
