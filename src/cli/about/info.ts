// webgpu-transformer info: what a checkpoint holds, read from its headers alone.

import { modelSize, type ModelSize, TransformerError } from '../../index.node.ts';
import { show } from '../../runtime/print.ts';
import { architectureOf, classPrefixes, familiesFor } from '../../model/architectures.ts';
import { Config } from '../../model/config.ts';
import type { JsonObject } from '../../source/json.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfigs } from '../../model/read-configs.ts';
import { openSource } from '../../source/open-source.ts';
import { declarations, untrained, withoutLoss } from '../../training/declarations.ts';
import { blockTypeNamed } from '../../source/gguf/types.ts';
import { openSafetensors, type TensorEntry } from '../../source/safetensors.ts';
import { fileExists, type Source } from '../../source/source.ts';
import { checkUnused } from '../../model/weights/unused-weights.ts';
import { unusedOf } from '../../model/weights/packed-entry.ts';
import { weightsOf } from '../../model/weights/quantization-fields.ts';
import { WeightLoader } from '../../model/weights/weights.ts';
import { Warnings } from '../../model/warnings.ts';
import { headOf, labelsOf, positionsOf, tasksFor, vocabularyOf } from '../describe.ts';
import type { Command } from '../command.ts';
import { flagOption, readOptions, sourceAndTexts, UsageError } from '../options.ts';

/** What is told of a checkpoint; null where its files do not say. */
interface Information {
  readonly modelType: string | null;
  readonly architecture: string | null;
  readonly head: string | null;
  readonly labels: readonly string[];
  /** The tasks of `pipeline` that it fits. */
  readonly tasks: readonly string[];
  readonly hasTokenizer: boolean;
  /** Why this version cannot run it; null when it can. */
  readonly problem: string | null;
  /** Whether models of its kind train; null for what is none that is known. */
  readonly trains: boolean | null;
  /** What is overlooked in its files. */
  readonly warnings: readonly string[];
  readonly parameters: number;
  readonly tensors: number;
  readonly vocabulary: number | null;
  /** Tokens of a sequence at most; 'unlimited' where positions are relative. */
  readonly positions: number | 'unlimited' | null;
  /** How many tensors are stored in each format. */
  readonly stored: Readonly<Record<string, number>>;
  readonly storedBytes: number;
  readonly downloadBytes: number;
  readonly gpuBytes: ModelSize['gpuBytes'];
  readonly generation: JsonObject;
}

const options = {
  json: flagOption('print it as JSON'),
};

export const info: Command = {
  form: 'info SOURCE',
  summary: 'what a checkpoint holds, which tasks it fits, and what it takes',
  details:
    'Reads the headers of its files alone. SOURCE is a folder, a URL or hf:owner/name@revision.',
  options,
  examples: [{ call: 'info DIR' }, { call: 'info hf:owner/name --json' }],
  run,
};

/** Prints it, a line each, or as JSON. */
async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source: place, texts } = sourceAndTexts(positionals, info.form);
  if (texts.length > 0) throw new UsageError(`Pass one checkpoint: ${info.form}`);
  const files = openSource(place);
  const known = await inform(files).finally(() => files.release?.());
  if (values.json) console.log(JSON.stringify(known));
  else for (const [name, text] of lines(known)) console.log(name.padEnd(14) + text);
}

async function inform(files: Source): Promise<Information> {
  const { config, generation } = await readConfigs(files, undefined);
  const tensors = await openSafetensors(files);
  const entries = [...tensors.values()];
  const stored: Record<string, number> = {};
  for (const { name, dtype } of entries) {
    const format = blockTypeNamed(name)?.name.toUpperCase() ?? dtype;
    stored[format] = (stored[format] ?? 0) + 1;
  }
  const architecture = firstText(config['architectures']);
  const vocabularies = ['tokenizer.json', 'vocab.json', 'vocab.txt'];
  const there = await Promise.all(vocabularies.map((name) => fileExists(files, name)));
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const settings = generation === config ? [] : Object.entries(generation);
  return {
    modelType: firstText(config['model_type'] ?? config['kind']),
    architecture,
    head: headOf(architecture),
    labels: labelsOf(config, architecture),
    tasks: await tasksFor(config, architecture),
    hasTokenizer: there.includes(true),
    trains: trainsOf(config),
    ...(await triedOn(config, tensors)),
    tensors: entries.length,
    vocabulary: vocabularyOf(config),
    positions: positionsOf(config),
    stored,
    storedBytes: sum(entries.map(({ start, end }) => end - start)),
    ...(await modelSize(files)),
    generation: Object.fromEntries(
      settings.filter(([name]) => !/^_|^transformers_version$/.test(name)),
    ),
  };
}

/** Whether models of a kind train, with the labels of their heads. */
function trainsOf({ model_type: type, kind }: JsonObject): boolean | null {
  const name = type ?? kind;
  if (typeof name !== 'string' || !Object.hasOwn(declarations, name)) return null;
  return !untrained.has(name) && !withoutLoss.has(name);
}

/** Whether the checkpoint can be loaded: its weights are declared as for a load, but not made. */
async function triedOn(
  config: JsonObject,
  tensors: ReadonlyMap<string, TensorEntry>,
): Promise<Pick<Information, 'problem' | 'parameters' | 'warnings'>> {
  const warnings = new Warnings();
  let weights = tensors;
  try {
    const families = await familiesFor(config);
    const fields = new Config(config, 'config.json', {
      warnings,
      classPrefixes: classPrefixes(families),
    });
    const declare = await architectureOf(families, fields);
    weights = await weightsOf(tensors, fields);
    const loader = new WeightLoader(undefined, { find: (name) => weights.get(name) });
    declare(fields, loader);
    const twins = new Set(loader.twins.flat());
    const unused = unusedOf(weights, loader.wanted).filter((entry) => !twins.has(entry.name));
    const name = ({ file }: TensorEntry): string => file;
    checkUnused(unused, loader.wanted.keys(), { name, warnings, class: className(config) });
    return { problem: null, parameters: parametersOf(weights), warnings: warnings.texts };
  } catch (error) {
    if (error instanceof TransformerError) {
      return {
        problem: error.message,
        parameters: parametersOf(weights),
        warnings: warnings.texts,
      };
    }
    throw error;
  }
}

/** Numbers in tensors; of quantised ones, those that their codes stand for. */
function parametersOf(weights: ReadonlyMap<string, TensorEntry>): number {
  return [...weights.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
}

/** Names and texts of what is known. */
function lines(known: Information): [string, string][] {
  const count = (number: number): string => number.toLocaleString('en-US');
  const size = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  const formats = Object.entries(known.stored).map(([dtype, tensors]) => `${tensors} × ${dtype}`);
  const { labels, gpuBytes, problem, hasTokenizer } = known;
  const names = `${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`;
  const tasks = known.tasks.join(', ') || 'none';
  const { positions } = known;
  const settings = Object.entries(known.generation).map(
    ([name, value]) => `${name} ${show(value)}`,
  );
  return [
    ['model type', known.modelType ?? 'not stated'],
    ['architecture', known.architecture ?? 'not stated'],
    ['head', known.head ?? 'not stated'],
    ...(labels.length > 0 ? [['labels', `${labels.length}: ${names}`] as [string, string]] : []),
    [
      'tasks',
      hasTokenizer || known.tasks.length === 0
        ? tasks
        : `${tasks}, with a tokenizer (there is none)`,
    ],
    ['runs', problem === null ? 'yes' : `no: ${problem}`],
    ...(known.trains === null
      ? []
      : [['trains', known.trains ? 'yes' : 'not yet'] as [string, string]]),
    ...known.warnings.map((text): [string, string] => ['overlooked', text]),
    ['parameters', `${count(known.parameters)} in ${known.tensors} tensors`],
    ['vocabulary', known.vocabulary === null ? 'not stated' : `${count(known.vocabulary)} tokens`],
    ['positions', typeof positions === 'number' ? count(positions) : (positions ?? 'not stated')],
    ['stored as', `${formats.join(', ')}, ${size(known.storedBytes)}`],
    [
      'on the GPU',
      Object.entries(gpuBytes)
        .map(([dtype, bytes]) => `${size(bytes)} as ${dtype}`)
        .join(', '),
    ],
    ...(settings.length > 0 ? [['generation', settings.join(', ')] as [string, string]] : []),
  ];
}

/** A field of config.json that is a text, or the first of several. */
function firstText(value: unknown): string | null {
  const text: unknown = [value].flat()[0];
  return typeof text === 'string' ? text : null;
}
