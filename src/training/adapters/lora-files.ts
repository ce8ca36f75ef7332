// Low-rank adapters in the layout of Hugging Face's PEFT: adapter_config.json and
// adapter_model.safetensors.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { elements } from '../../runtime/tensor.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { openSafetensorsFile, readTensors } from '../../source/safetensors.ts';
import { safetensors, type StoredValues } from '../../source/safetensors-writer.ts';
import { describeFile, requireJson, type Source } from '../../source/source.ts';
import { numbersIn } from '../../model/weights/weight-formats.ts';
import type { NamedFile } from '../checkpoint.ts';
import type { Modules } from './lora-targets.ts';

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';

/** What a configuration says beside the layers. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Rate of dropout of the layers' inputs that the adapter was trained with. */
  readonly dropout: number;
  /** The base model's name or path. */
  readonly baseModel: string | null;
  /** PEFT's name of what the model is for; null where it has none. */
  readonly taskType: string | null;
}

/** An adapter as its files have it: the matrices by the names of their tensors. */
export interface StoredAdapter extends AdapterConfig {
  readonly modules: readonly string[];
  readonly values: ReadonlyMap<string, StoredValues>;
}

/** The name of a layer's A or B in the file. */
export function tensorName(layer: string, matrix: 'A' | 'B'): string {
  return `base_model.model.${layer}.lora_${matrix}.weight`;
}

/** PEFT's names of tasks, by the ends of class names. */
const taskTypes: readonly (readonly [RegExp, string])[] = [
  [/(?:ForConditionalGeneration|MTModel)$/, 'SEQ_2_SEQ_LM'],
  [/(?:ForCausalLM|LMHeadModel)$/, 'CAUSAL_LM'],
  [/ForSequenceClassification$/, 'SEQ_CLS'],
  [/ForTokenClassification$/, 'TOKEN_CLS'],
  [/ForQuestionAnswering$/, 'QUESTION_ANS'],
];

/** What a new adapter says of the model it is for, by the model's config.json. */
export function originOf(config: JsonObject): Omit<AdapterConfig, 'rank' | 'alpha'> {
  const { _name_or_path: name, architectures: classes } = config;
  const made = String(Array.isArray(classes) ? classes[0] : '');
  return {
    dropout: 0,
    baseModel: typeof name === 'string' && name !== '' ? name : null,
    taskType: taskTypes.find(([end]) => end.test(made))?.[1] ?? null,
  };
}

/** The two files of an adapter, ready to be written. `transposed`: whether its layers are `Conv1D`. */
export function adapterFiles(
  { modules, rank, alpha, dropout, baseModel, taskType }: Omit<StoredAdapter, 'values'>,
  values: ReadonlyMap<string, StoredValues>,
  transposed: boolean,
): NamedFile[] {
  const config = {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: transposed,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: modules.toSorted(),
    task_type: taskType,
    use_dora: false,
    use_rslora: false,
  };
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  return [
    { name: weightsFile, bytes: safetensors(values) },
    { name: configFile, bytes: new TextEncoder().encode(text) },
  ];
}

/**
 * Reads an adapter and checks it against the modules of the model it is for.
 * @throws TransformerError FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING, TENSOR_MISMATCH
 */
export async function readAdapter(source: Source, modules: Modules): Promise<StoredAdapter> {
  const label = describeFile(source, configFile);
  const json = await requireJson(source, configFile);
  if (!isObject(json)) {
    throw new TransformerError('CONFIG_INVALID', `${label} is not a JSON object. Save it again.`);
  }
  const config = checkConfig(json, label);
  const entries = await openSafetensorsFile(source, weightsFile);
  const file = describeFile(source, weightsFile);
  const names = modulesIn([...entries.keys()], file);
  checkTargets(json, names, modules, { label, file });
  for (const name of names) {
    const layer = modules.layers.get(name);
    if (layer === undefined) throw notInModel(name, modules, config.baseModel);
    const wanted = { A: [config.rank, layer.input], B: [layer.out, config.rank] } as const;
    for (const matrix of ['A', 'B'] as const) {
      const key = tensorName(name, matrix);
      const shape = entries.get(key)?.shape;
      if (shape === undefined) {
        throw new TransformerError(
          'TENSOR_MISSING',
          `${file} has no tensor "${key}". Save the adapter again.`,
        );
      }
      if (shape.join() === wanted[matrix].join()) continue;
      throw new TransformerError(
        'TENSOR_MISMATCH',
        `Tensor "${key}" has shape (${shape.join(', ')}), but rank ${config.rank} and the model's ` +
          `"${name}.weight" (${layer.out}, ${layer.input}) call for (${wanted[matrix].join(', ')}). ` +
          `Load the model that the adapter was trained on${baseOf(config)}.`,
      );
    }
  }
  const blocks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of entries.values()) {
    blocks.set(entry.name, new Uint8Array(entry.end - entry.start));
  }
  for await (const { entry, offset, bytes } of readTensors(source, entries.values(), {})) {
    blocks.get(entry.name)?.set(bytes, offset);
  }
  const values = new Map<string, StoredValues>();
  for (const [key, entry] of entries) {
    const bytes = blocks.get(key) ?? new Uint8Array(0);
    const data = new Float32Array(elements(entry.shape));
    data.set(numbersIn(entry, bytes));
    values.set(key, { shape: entry.shape, data });
  }
  return { ...config, modules: names, values };
}

function baseOf({ baseModel }: Pick<AdapterConfig, 'baseModel'>): string {
  return baseModel === null ? '' : ` (${show(baseModel)})`;
}

/** Fields that say where an adapter comes from or how it was begun, not what it computes. */
const indifferent = [
  'auto_mapping',
  'base_model_name_or_path',
  'exclude_modules',
  // PEFT sets it right by the kind of layer, whatever it says.
  'fan_in_fan_out',
  'inference_mode',
  'init_lora_weights',
  'layers_pattern',
  'layers_to_transform',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'r',
  'revision',
  'runtime_config',
  'target_modules',
  'task_type',
];

/** Beginnings that leave the base model's weights as they are. */
const harmlessBeginnings: readonly unknown[] = [undefined, null, true, false, 'gaussian'];

/** Reads a configuration. Whatever is set in it that would compute something else is refused. */
function checkConfig(json: JsonObject, label: string): AdapterConfig {
  const unsupported = (field: string, wanted: string): TransformerError =>
    new TransformerError(
      'MODEL_UNSUPPORTED',
      `${label} has ${field} ${show(json[field])}; supported is ${wanted}. ` +
        'Merge this adapter into its base model with PEFT and load the merged model.',
    );
  if (json['peft_type'] !== 'LORA') throw unsupported('peft_type', '"LORA"');
  if (!['none', undefined].includes(json['bias'] as string)) throw unsupported('bias', '"none"');
  if (!harmlessBeginnings.includes(json['init_lora_weights'])) {
    throw unsupported('init_lora_weights', 'true, false or "gaussian"');
  }
  for (const [field, value] of Object.entries(json)) {
    const known = indifferent.includes(field) || field === 'peft_type' || field === 'bias';
    if (!known && !isUnset(value)) throw unsupported(field, 'to leave it unset');
  }
  const wrong = (field: string, wanted: string): TransformerError =>
    new TransformerError(
      'CONFIG_INVALID',
      `${label} has ${field} ${show(json[field])}, wanted ${wanted}. Save the adapter again.`,
    );
  const { r: rank, lora_alpha: alpha, lora_dropout: dropout = 0 } = json;
  if (!Number.isSafeInteger(rank) || Number(rank) < 1) throw wrong('r', 'a whole number from 1 on');
  if (!Number.isFinite(alpha) || Number(alpha) <= 0) {
    throw wrong('lora_alpha', 'a number above 0');
  }
  if (!Number.isFinite(dropout) || Number(dropout) < 0 || Number(dropout) >= 1) {
    throw wrong('lora_dropout', 'a rate from 0 to below 1');
  }
  const base = json['base_model_name_or_path'];
  return {
    rank: Number(rank),
    alpha: Number(alpha),
    dropout: Number(dropout),
    baseModel: typeof base === 'string' ? base : null,
    taskType: typeof json['task_type'] === 'string' ? json['task_type'] : null,
  };
}

/** Whether a field asks for nothing. */
function isUnset(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** The modules whose matrices a file holds. */
function modulesIn(keys: readonly string[], file: string): string[] {
  const names = new Set<string>();
  for (const key of keys) {
    const name = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(key)?.[1];
    if (name === undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `${file} holds "${key}"; supported are lora_A and lora_B of linear layers. ` +
          'Merge this adapter into its base model with PEFT and load the merged model.',
      );
    }
    names.add(name);
  }
  if (names.size > 0) return [...names];
  throw new TransformerError('FILE_INVALID', `${file} holds no tensors. Save the adapter again.`);
}

/**
 * Expects the file to hold what `target_modules` names: whole names or ends of them. A string is a
 * regular expression of Python's, and other fields may narrow a list down; then the file alone says it.
 */
function checkTargets(
  json: JsonObject,
  names: readonly string[],
  { layers }: Modules,
  { label, file }: { label: string; file: string },
): void {
  const targets = json['target_modules'];
  const narrowed = ['exclude_modules', 'layers_to_transform'].some((key) => !isUnset(json[key]));
  if (!Array.isArray(targets) || narrowed) return;
  const isTarget = (name: string): boolean =>
    targets.some((target) => name === target || name.endsWith(`.${String(target)}`));
  const stray = names.find((name) => !isTarget(name));
  if (stray !== undefined) {
    throw new TransformerError(
      'FILE_INVALID',
      `${file} holds matrices for "${stray}", which is not among target_modules of ${label}. ` +
        'The two files may be of two adapters; save or download both again.',
    );
  }
  const missing = [...layers.keys()].find((name) => isTarget(name) && !names.includes(name));
  if (missing === undefined) return;
  throw new TransformerError(
    'TENSOR_MISSING',
    `${file} has no tensor "${tensorName(missing, 'A')}", though target_modules of ${label} ` +
      'calls for it. The two files may be of two adapters; save or download both again.',
  );
}

function notInModel(
  name: string,
  { layers, others }: Modules,
  baseModel: string | null,
): TransformerError {
  const kind = others.get(name);
  if (kind !== undefined) {
    return new TransformerError(
      'MODEL_UNSUPPORTED',
      `The adapter updates "${name}", which is ${kind}; supported are linear layers. ` +
        'Merge this adapter into its base model with PEFT and load the merged model.',
    );
  }
  const nearest = nearestName(name, [...layers.keys()]);
  return new TransformerError(
    'TENSOR_MISSING',
    `The adapter updates "${name}", but the model has no linear layer of that name` +
      `${nearest === undefined ? '' : `; the nearest is "${nearest}"`}. ` +
      `Load the model that the adapter was trained on${baseOf({ baseModel })}.`,
  );
}
