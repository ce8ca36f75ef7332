// Which head config.json says a checkpoint has.

import type { JsonObject } from '../../source/json.ts';
import type { Config } from '../config.ts';
import type { WeightLoader } from '../weights/weights.ts';

/**
 * The part of a class name that tells the head: `BertForMaskedLM` has "MaskedLM", `GPT2LMHeadModel`
 * "LMHeadModel"; "Model" where config.json names no class.
 * @throws TransformerError MODEL_UNSUPPORTED for other families' classes: `JinaBertModel`, say, brings
 * code of its own
 */
export function headName(config: Config): string {
  const name = className(config.fields);
  if (name === undefined) return 'Model';
  // The text part of a model goes by either name; one family's prefix may begin with another's.
  const families = config.classPrefixes.toSorted((a, b) => b.length - a.length).join('|');
  const match = new RegExp(`^(?:${families})(?:Text)?(?:For)?([A-Z]\\w+)$`).exec(name);
  return match?.[1] ?? config.refuse('architectures');
}

/** The class that config.json names, the first of several; undefined where it names none. */
export function className({ architectures: list }: JsonObject): string | undefined {
  const name: unknown = Array.isArray(list) ? list[0] : list;
  return typeof name === 'string' ? name : undefined;
}

/** Has names of the base model declared with `prefix`, whatever class and file have; see the loader. */
export function baseRoot(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  name: string,
): string {
  return loader.root(prefix, name, headName(config) === 'Model');
}

/** Labels of a classifier: `num_labels`, else as many as `id2label` names, else 2. */
export function labelCount(config: Config): number {
  const names = config.get('id2label');
  const count = typeof names === 'object' && names !== null ? Object.keys(names).length : 0;
  return config.integer('num_labels', count > 0 ? count : 2);
}
