// Experts that low-rank updates can be added to: parameters that hold a matrix for each, PEFT's `target_parameters`.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { JsonObject } from '../../source/json.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import { type NamePattern, testOf } from '../trainable.ts';
import type { AdaptableLayer } from './lora-targets.ts';

/** The experts of a model by the names of their parameters. `out` and `input` are those of one of them. */
function expertLayers({ experts }: TrainableModel): AdaptableLayer[] {
  return experts.map(({ name, weight, experts: count }) => {
    const rows = weight.size(0);
    return {
      name,
      pieces: [{ tensor: weight, first: 0, out: rows, runs: [{ from: 0, rows }] }],
      out: rows / count,
      input: weight.size(-1),
      transposed: false,
      isEmbedding: false,
      isTied: false,
      experts: count,
    };
  });
}

/**
 * The parameters whose names fit one of the patterns; each pattern must fit at least one.
 * @throws TransformerError OPTION_INVALID
 */
export function selectExperts(
  model: TrainableModel,
  patterns: readonly NamePattern[],
): AdaptableLayer[] {
  const known = expertLayers(model);
  const tests = patterns.map(testOf);
  const stray = tests.findIndex((test) => !known.some(({ name }) => test(name)));
  if (stray >= 0) {
    const names = known.map(({ name }) => name);
    const pattern = String(patterns[stray]);
    const nearest = nearestName(pattern, names) ?? names[0];
    throw new TransformerError(
      'OPTION_INVALID',
      `targetParameters: no parameter of experts has a name like ${show(pattern)}. ` +
        (nearest === undefined ? 'The model has no experts.' : `One of them is "${nearest}".`),
    );
  }
  return nested(known.filter(({ name }) => tests.some((test) => test(name))));
}

/**
 * The parameters that adapter_config.json names: by whole names or ends of them.
 * @throws TransformerError CONFIG_INVALID, TENSOR_MISSING where the model has none of them
 */
export function storedExperts(
  json: JsonObject,
  model: TrainableModel,
  label: string,
): AdaptableLayer[] {
  const targets = json['target_parameters'] ?? [];
  if (!isListOf(targets, (target) => typeof target === 'string')) {
    throw new TransformerError(
      'CONFIG_INVALID',
      `${label} has target_parameters ${show(targets)}, wanted a list of names. Save the adapter again.`,
    );
  }
  const known = expertLayers(model);
  const isNamed = (name: string, target: unknown): boolean =>
    name === target || name.endsWith(`.${String(target)}`);
  const stray = targets.find((target) => !known.some(({ name }) => isNamed(name, target)));
  if (stray !== undefined) {
    throw new TransformerError(
      'TENSOR_MISSING',
      `${label} has target_parameters ${show(stray)}, but the model has no experts of that name. ` +
        'Load the model that the adapter was trained on.',
    );
  }
  return nested(known.filter(({ name }) => targets.some((target) => isNamed(name, target))));
}

/** PEFT wraps a module once for each of its parameters: the last one stands outside, under the module's own name. */
function nested(layers: readonly AdaptableLayer[]): AdaptableLayer[] {
  const moduleOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));
  return layers.map((layer, index) => {
    const module = moduleOf(layer.name);
    const later = layers.slice(index + 1).filter(({ name }) => moduleOf(name) === module);
    return { ...layer, fileName: module + '.base_layer'.repeat(later.length) };
  });
}
