// Low-rank adapters in the layout of Hugging Face's PEFT: adapter_config.json and
// adapter_model.safetensors.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { elements } from '../../runtime/tensor.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { openSafetensorsFile, readTensors, type TensorEntry } from '../../source/safetensors.ts';
import { safetensors, type StoredValues } from '../../source/safetensors-writer.ts';
import { describeFile, requireJson, type Source } from '../../source/source.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import { numbersIn } from '../../model/weights/weight-formats.ts';
import type { NamedFile } from '../../source/target.ts';
import type { SizedLayer } from './lora-matrices.ts';
import { type AdapterConfig, checkConfig, isUnset, patternsOf } from './lora-config.ts';
import { byExperts, byRanks, storedShape } from './expert-files.ts';
import { storedExperts } from './expert-targets.ts';
import { adaptiveConfig, readKept, withoutRanks, withRanks } from './adaptive-files.ts';
import type { KeptRanks } from './adaptive-ranks.ts';
import { sizeOf } from './lora-options.ts';
import { isTableCopy, matrixName, moduleOf, storedMatrices } from './matrix-names.ts';
import { classLayers, type Modules, modulesOf } from './lora-targets.ts';
import { checkWhole, wholeModulesOf, wholeTensors } from './whole-files.ts';
import { wholeName } from './whole-modules.ts';

const configFile = 'adapter_config.json';
/** The file with the tensors. */
export const weightsFile = 'adapter_model.safetensors';

/** An adapter as its files have it: the matrices by the names of their tensors. */
export interface StoredAdapter extends AdapterConfig {
  readonly targets: readonly string[];
  readonly targetParameters: readonly string[];
  readonly modulesToSave: readonly string[];
  /** Which ranks are left, of adapters that share them. */
  readonly kept: KeptRanks | undefined;
  readonly values: ReadonlyMap<string, StoredValues>;
}

/** The two files of an adapter, ready to be written. */
export function adapterFiles(
  { rank, alpha, rsLora, dora, adaptive, dropout, baseModel, taskType }: AdapterConfig,
  {
    layers,
    kept,
    modules,
  }: {
    readonly layers: readonly SizedLayer[];
    readonly kept: KeptRanks | undefined;
    readonly modules: readonly string[];
  },
  values: ReadonlyMap<string, StoredValues>,
): NamedFile[] {
  /** The layers whose size is another one. */
  const others = (size: 'rank' | 'alpha', usual: number): Record<string, number> =>
    Object.fromEntries(
      layers.filter((layer) => layer[size] !== usual).map((layer) => [layer.name, layer[size]]),
    );
  const namesOf = (areExperts: boolean): string[] =>
    layers
      .filter(({ experts }) => (experts !== undefined) === areExperts)
      .map(({ name }) => name)
      .toSorted();
  const config = {
    alpha_pattern: others('alpha', alpha),
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: layers.every(({ transposed }) => transposed),
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: dropout,
    modules_to_save: modules.length === 0 ? null : modules,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: others('rank', rank),
    revision: null,
    target_modules: namesOf(false),
    target_parameters: layers.some(({ experts }) => experts) ? namesOf(true) : null,
    task_type: taskType,
    use_dora: dora,
    use_rslora: rsLora,
    ...(adaptive && adaptiveConfig(adaptive, rank, kept)),
  };
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  return [
    { name: weightsFile, bytes: safetensors(byRanks(withoutRanks(values, layers, kept), layers)) },
    { name: configFile, bytes: new TextEncoder().encode(text) },
  ];
}

/**
 * Reads an adapter and checks it against the model it is for.
 * @throws TransformerError FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING, TENSOR_MISMATCH
 */
export async function readAdapter(source: Source, model: TrainableModel): Promise<StoredAdapter> {
  const modules = modulesOf(model);
  const label = describeFile(source, configFile);
  const json = await requireJson(source, configFile);
  if (!isObject(json)) {
    throw new TransformerError('CONFIG_INVALID', `${label} is not a JSON object. Save it again.`);
  }
  const config = checkConfig(json, label);
  const found = await openSafetensorsFile(source, weightsFile);
  // PEFT puts the model's own table or output layer beside an update of one of them.
  const entries = new Map([...found].filter(([key]) => !isTableCopy(key)));
  const file = describeFile(source, weightsFile);
  const whole = wholeTensors([...entries.keys()]);
  const own = new Set(whole.map(wholeName));
  const stored = modulesIn(
    [...entries.keys()].filter((key) => !own.has(key)),
    file,
    { dora: config.dora, isAdaptive: config.adaptive !== undefined },
  );
  const experts = storedExperts(json, model, label);
  const wrapped = new Set(experts.map(({ fileName }) => fileName));
  const targets = stored.filter((name) => !wrapped.has(name));
  const names = [...targets, ...experts.map(({ name }) => name)];
  const named = namedLike(targets, modules);
  const adaptable = new Map([...named, ...experts.map((layer) => [layer.name, layer] as const)]);
  const modulesToSave = wholeModulesOf(json, whole, { label, file });
  const sizes = { ...config, ...patternsOf(json, names, label) };
  const kept = config.adaptive && readKept(json, config.rank, label);
  checkTargets(json, targets, named, { label, file, isAdaptive: config.adaptive !== undefined });
  const layers: SizedLayer[] = [];
  for (const name of names) {
    const layer = adaptable.get(name);
    if (layer === undefined) throw notInModel(name, modules, config.baseModel);
    const sized = { ...layer, ...sizeOf(name, sizes) };
    const rank = kept?.get(name)?.filter(Boolean).length ?? sized.rank;
    layers.push(sized);
    for (const { key, shape: inMemory } of storedMatrices({ ...sized, rank }, config)) {
      const isB = layer.experts !== undefined && key === matrixName(sized, 'B');
      const size = isB ? storedShape(sized) : inMemory;
      const shape = entries.get(key)?.shape;
      if (shape === undefined) {
        throw new TransformerError(
          'TENSOR_MISSING',
          `${file} has no tensor "${key}". Save the adapter again.`,
        );
      }
      if (shape.join() === size.join()) continue;
      throw new TransformerError(
        'TENSOR_MISMATCH',
        `Tensor "${key}" has shape (${shape.join(', ')}), but rank ${rank} and the model's ` +
          `"${name}.weight" (${layer.out}, ${layer.input}) call for (${size.join(', ')}). ` +
          `Load the model that the adapter was trained on${baseOf(config)}.`,
      );
    }
  }
  checkWhole(model, modulesToSave, entries, file);
  const values = await readNumbers(source, entries);
  return {
    ...sizes,
    targets,
    targetParameters: experts.map(({ name }) => name),
    modulesToSave,
    kept,
    values: byExperts(withRanks(values, layers, kept), layers),
  };
}

/** The values of these tensors, widened to f32. Errors: FILE_*, MODEL_UNSUPPORTED. */
export async function readNumbers(
  source: Source,
  entries: ReadonlyMap<string, TensorEntry>,
): Promise<Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>> {
  const blocks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of entries.values()) {
    blocks.set(entry.name, new Uint8Array(entry.end - entry.start));
  }
  for await (const { entry, offset, bytes } of readTensors(source, entries.values(), {})) {
    blocks.get(entry.name)?.set(bytes, offset);
  }
  return new Map(
    Array.from(entries, ([key, entry]) => {
      const data = new Float32Array(elements(entry.shape));
      data.set(numbersIn(entry, blocks.get(key) ?? new Uint8Array(0)));
      return [key, { shape: entry.shape, data }];
    }),
  );
}

function baseOf({ baseModel }: Pick<AdapterConfig, 'baseModel'>): string {
  return baseModel === null ? '' : ` (${show(baseModel)})`;
}

/** The layers by the names that an adapter has for them: those of the checkpoint, or of its class. */
function namedLike(names: readonly string[], modules: Modules): Modules['layers'] {
  return names.some((name) => modules.renamed.has(name)) ? classLayers(modules) : modules.layers;
}

/** The modules whose matrices a file holds. */
function modulesIn(
  keys: readonly string[],
  file: string,
  kinds: { readonly dora: boolean; readonly isAdaptive: boolean },
): string[] {
  const names = new Set<string>();
  for (const key of keys) {
    const name = moduleOf(key, kinds);
    if (name === undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `${file} holds "${key}"; supported are lora_A and lora_B of linear layers, and of embeddings lora_embedding_A ` +
          'and lora_embedding_B. Merge this adapter into its base model with PEFT and load the merged model.',
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
  layers: Modules['layers'],
  { label, file, isAdaptive }: { label: string; file: string; isAdaptive: boolean },
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
  const missing = [...layers.values()].find(({ name }) => isTarget(name) && !names.includes(name));
  if (missing === undefined) return;
  throw new TransformerError(
    'TENSOR_MISSING',
    `${file} has no tensor "${matrixName({ ...missing, isAdaptive }, 'A')}", though target_modules of ${label} ` +
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
      `The adapter updates "${name}", which is ${kind}; supported are linear layers and ` +
        'embeddings of tokens. ' +
        'Merge this adapter into its base model with PEFT and load the merged model.',
    );
  }
  const nearest = nearestName(name, [...layers.keys()]);
  return new TransformerError(
    'TENSOR_MISSING',
    `The adapter updates "${name}", but the model has no layer of that name that can be adapted` +
      `${nearest === undefined ? '' : `; the nearest is "${nearest}"`}. ` +
      `Load the model that the adapter was trained on${baseOf({ baseModel })}.`,
  );
}
