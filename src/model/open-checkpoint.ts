// What a checkpoint is, and where its tensors are: all that is read before its weights.

import { TransformerError } from '../runtime/errors.ts';
import type { JsonObject } from '../source/json.ts';
import { openSafetensors, type TensorEntry } from '../source/safetensors.ts';
import { describeFile, type Source } from '../source/source.ts';
import type { Architecture } from './family.ts';
import { architectureOf, classesOf, classPrefixes, familiesFor } from './architectures.ts';
import { Config } from './config.ts';
import { className } from './heads/head-name.ts';
import type { NewHead } from './new-head.ts';
import { readConfigs } from './read-configs.ts';
import type { Warnings } from './warnings.ts';
import { unusedOf } from './weights/packed-entry.ts';
import { weightsOf } from './weights/quantization-fields.ts';
import { WeightLoader } from './weights/weights.ts';

export interface Checkpoint {
  /** config.json; where it names no class, with the one that is assumed. */
  readonly config: JsonObject;
  readonly generation: JsonObject;
  readonly fields: Config;
  readonly architecture: Architecture;
  /** The tensors by their names; one that is held twice, as weights that are tied, is there once. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** What they are read from: the checkpoint, and what it lacks. */
  readonly files: Source;
}

export interface OpenOptions {
  /** Ends of the classes to assume where config.json names none; as the weights show when undefined. */
  readonly heads: readonly string[] | undefined;
  /** The head that it gets in place of its own. */
  readonly head?: NewHead | undefined;
  /** Whether it gets what modules.json puts behind it. */
  readonly modules?: boolean;
  readonly warnings: Warnings;
  readonly signal: AbortSignal | undefined;
}

/** How the names of classes end that tell tokens. */
const languageClass = /(For(Causal|Masked)LM|LMHeadModel)$/;

/** Opens a checkpoint. Errors: those of `loadModel`, but for those of reading weights. */
export async function openCheckpoint(
  files: Source,
  { heads, head, modules = false, warnings, signal }: OpenOptions,
): Promise<Checkpoint> {
  const read = await readConfigs(files, signal);
  let { config, generation } = read;
  // Of a language model whose states are asked for, all of its logits would come along.
  const given = className(config);
  const isBare = heads?.length === 0 && languageClass.test(given ?? '');
  if (isBare) config = { ...config, architectures: [given?.replace(languageClass, 'Model')] };
  const file = describeFile(files, 'config.json');
  const families = await familiesFor(config);
  const context = { warnings, classPrefixes: classPrefixes(families) };
  let fields = new Config(config, file, context);
  const begun =
    head === undefined
      ? undefined
      : (await import('./new-head.ts')).beginHead(fields, families, head);
  if (begun !== undefined) ({ config, fields } = begun);
  const sentence = modules
    ? await (await import('./open-sentence-head.ts')).openSentenceHead(files, { head, signal })
    : undefined;
  const open = async (own: Config): Promise<Architecture> => {
    const found = await architectureOf(families, own);
    return sentence?.around(found) ?? found;
  };
  let architecture = await open(fields);
  const own = await weightsOf(await openSafetensors(files, { signal }), fields);
  const stored = sentence === undefined ? own : new Map([...own, ...sentence.entries]);
  const drawn = await begun?.draw(stored, architecture, { files, warnings });
  const entries = drawn?.entries ?? stored;
  const classes = classesOf(families, fields);
  if (className(config) === undefined && classes !== undefined) {
    const { assumeClass } = await import('./heads/assumed-class.ts');
    const name = assumeClass(fields, classes, (tensor) => entries.has(tensor), heads);
    config = { ...config, architectures: [name] };
    if (generation === read.config) generation = config;
    fields = new Config(config, file, context);
    architecture = await open(fields);
  }
  let distinct: ReadonlyMap<string, TensorEntry> = entries;
  let loader = await declared(entries, architecture, fields);
  const { twins } = loader;
  if (twins.length > 0) {
    const { withoutRepeats } = await import('./weights/twin-weights.ts');
    distinct = await withoutRepeats(files, entries, twins, signal);
    loader = await declared(distinct, architecture, fields);
  }
  const unused = unusedOf(distinct, loader.wanted);
  if (unused.length > 0) {
    const { checkUnused } = await import('./weights/unused-weights.ts');
    const name = (entry: TensorEntry): string => describeFile(files, entry.file);
    checkUnused(unused, loader.wanted.keys(), { name, warnings, class: className(config), isBare });
  }
  const { files: all = files } = drawn ?? {};
  return { config, generation, fields, architecture, entries: distinct, files: all };
}

/** Declares the weights, without making them, to see which there are and which are stored twice. */
async function declared(
  entries: ReadonlyMap<string, TensorEntry>,
  architecture: Architecture,
  fields: Config,
): Promise<WeightLoader> {
  const loader = new WeightLoader(undefined, { find: (name) => entries.get(name) });
  try {
    architecture(fields, loader);
    return loader;
  } catch (error) {
    if (!(error instanceof TransformerError && error.code.startsWith('TENSOR_'))) throw error;
    // What is missing may be there in another form.
    const { quantizedTensors } = await import('./weights/quantized/refusal.ts');
    throw quantizedTensors(entries.keys()) ?? error;
  }
}
