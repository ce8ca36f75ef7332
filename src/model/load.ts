// loadModel: from a folder of files to a model on the GPU.

import {
  checkFlags,
  isA,
  refuseUnknown,
  throwIfAborted,
  TransformerError,
} from '../runtime/errors.ts';
import { Gpu } from '../runtime/gpu.ts';
import { requireGpu } from '../runtime/require-gpu.ts';
import { Scope } from '../runtime/scope.ts';
import { Tensor, type TensorOptions } from '../runtime/tensor.ts';
import type { Architecture } from './family.ts';
import { type CacheDtype, cacheDtypes } from './cache-dtypes.ts';
import type { Config } from './config.ts';
import { show } from '../source/json.ts';
import type { LoadedParts, Model } from './model.ts';
import type { NewHead } from './new-head.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import {
  type ModelSource,
  openSource,
  type SourceOptions,
  sourceOptions,
} from '../source/open-source.ts';
import type { ParameterArena } from './weights/parameter-arena.ts';
import type { Parameters } from './weights/parameters.ts';
import type { TensorEntry } from '../source/safetensors.ts';
import type { FileProgress } from '../source/source.ts';
import { distrust } from '../source/trust.ts';
import { Warnings } from './warnings.ts';
import { AskedFormats, type WeightFormats } from './weights/asked-formats.ts';
import { WeightLoader, type WeightLoaderOptions } from './weights/weights.ts';

/** How a model is loaded, and onto which device. */
export interface LoadOptions extends SourceOptions {
  /** The device to load to; a new one, closed with the model, when absent. */
  gpu?: Gpu;
  /**
   * Storage format of the weight matrices on the GPU; as the checkpoint stores them when absent. `int8` and
   * `int4` round as the weights arrive, in blocks of 64 and 32 along a row that share a scale and an offset in
   * f16 (8.5 and 5 bits a weight). Under `int4` what stands outside numbered layers (embeddings, output layer,
   * heads) is held in `int8`; vectors and position tables stay in f32. For a choice of your own pass an object
   * of names of tensors, `*` standing for any part: `{ 'lm_head.*': 'f16', '*': 'int4' }`.
   */
  dtype?: WeightFormats;
  /**
   * Storage format of the keys and values that generation caches; `f32` when absent. `f16` takes half the
   * memory and rounds them to 11 bits; where one is beyond ±65504, generation rejects with LIMIT_EXCEEDED.
   */
  cacheDtype?: CacheDtype;
  /**
   * Takes the checkpoint as a classifier with labels of your own, to be trained on them. What fits as many labels is kept;
   * the rest of the head is drawn anew, `warnings` says what that is.
   * @example
   * const head = { labels: ['cat', 'dog', 'elk'] };
   * const model = await loadModel('hf:google/vit-base-patch16-224', { gpu, training: true, head });
   */
  head?: NewHead;
  /**
   * Takes along what modules.json of sentence-transformers puts behind the layers of a text encoder or a language model: its
   * pooling, and `Dense`, `LayerNorm`, `Normalize` and `Dropout`. `contrastive` trains through it, and what a `Trainer` saves
   * has it again. Results of `forward` stay those of the model alone.
   */
  modules?: boolean;
  /** Keeps the weights as trainable f32 parameters, for a `Trainer`. */
  training?: boolean;
  /**
   * Tries the model before it is handed out: the kernels that it runs beside plain arithmetic, and what it makes
   * of a few tokens beside the result that `webgpu-transformer.check.json` has, where that is with the weights.
   * A driver that computes wrong results is refused with VALIDATION_FAILED.
   */
  check?: boolean;
  /** Cancels the load, which then rejects with `ABORTED`; what was loaded is freed. */
  signal?: AbortSignal;
  /** Bytes of weights read of those there are, per file and overall. */
  onProgress?: (progress: FileProgress) => void;
}

/**
 * Loads a checkpoint in Hugging Face layout: config.json, model.safetensors (or shards with their
 * index) and generation_config.json where there is one. Where config.json names no class, the weights
 * show it, and `warnings` says so.
 * Errors leave nothing allocated: FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING,
 * TENSOR_MISMATCH, OUT_OF_MEMORY, LIMIT_EXCEEDED, VALIDATION_FAILED (of `check`), ABORTED.
 */
export function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  return loadFor(undefined, source, options);
}

/**
 * The same for a task: where config.json names no class, one that ends as `heads` say is taken, the base
 * model where they are none.
 */
export async function loadFor(
  heads: readonly string[] | undefined,
  source: ModelSource,
  options: LoadOptions,
): Promise<Model> {
  refuseUnknown(
    options,
    [
      'gpu',
      'dtype',
      'cacheDtype',
      'head',
      'modules',
      'training',
      'check',
      'signal',
      'onProgress',
      ...sourceOptions,
    ],
    'option of loadModel',
  );
  const { gpu } = options;
  if (!isA(gpu, Gpu) || !gpu.recovers) return loadOnce(heads, source, options);
  const { RecoveringModel } = await import('./recovering-model.ts');
  const { signal: _signal, onProgress: _onProgress, ...later } = options;
  const load = (how: LoadOptions) => (): Promise<Model> => loadOnce(heads, source, how);
  return RecoveringModel.load(gpu, load(options), load(later));
}

async function loadOnce(
  heads: readonly string[] | undefined,
  source: ModelSource,
  options: LoadOptions,
): Promise<Model> {
  const { training = false } = options;
  checkFlags(options, 'training', 'modules', 'check');
  const formats = askedFormats(options.dtype, training);
  const { signal, onProgress, head, modules = false, cacheDtype = 'f32' } = options;
  checkCacheDtype(cacheDtype);
  checkParts(options);
  throwIfAborted(signal);
  const files = openSource(source, options);
  import('./weights/slice-writer.ts').catch(() => {}); // while files are read; told of where it is used
  const ownGpu = options.gpu === undefined;
  const gpu = options.gpu ?? (await Gpu.request(signal ? { signal } : {}));
  const scope = new Scope(gpu, training ? 'parameters' : 'weights');
  try {
    const warnings = new Warnings();
    const opened = await openCheckpoint(files, {
      heads: modules ? [] : heads,
      head,
      modules,
      warnings,
      signal,
    });
    const { config, generation, fields, architecture, entries } = opened;
    const find = (name: string): TensorEntry | undefined => entries.get(name);
    const arena = training
      ? (await import('./weights/parameter-arena.ts')).ParameterArena
      : undefined;
    const settings = { find, formats, arena, limit: gpu.bindingLimit };
    const { make, loader, parameters } = declareWeights(scope, architecture, fields, settings);
    formats.assertUsed();
    await scope.ready({
      what: 'The weights need',
      next: "Load with dtype: 'f16', 'int8' or 'int4', or dispose of other models.",
    });
    await loader.load(opened.files, { signal, onProgress });
    throwIfAborted(signal);
    const onDispose = (): void => {
      if (ownGpu) gpu.dispose();
    };
    const { slices } = loader;
    const own = { gpu, config, scope, generation, cacheDtype, warnings, onDispose };
    const model = make({ ...own, parameters, slices });
    if (options.check === true) {
      const { checkModel, formatName } = await import('./self-check.ts');
      await checkModel(model, files, { format: formatName(options), signal });
    }
    return model;
  } catch (error) {
    await distrust(files, undefined, error);
    scope.dispose();
    if (ownGpu) gpu.dispose();
    throw error;
  } finally {
    files.release?.();
  }
}

/** Refuses a device and a callback that are none. Errors: OPTION_INVALID. */
function checkParts({ gpu, onProgress }: { [Name in keyof LoadOptions]: unknown }): void {
  if (gpu !== undefined) requireGpu(gpu);
  if (onProgress === undefined || typeof onProgress === 'function') return;
  throw new TransformerError('OPTION_INVALID', 'onProgress is no function. Pass one, or none.');
}

function askedFormats(dtype: unknown, training: boolean): AskedFormats {
  if (training && dtype !== undefined && dtype !== 'f32') {
    throw new TransformerError(
      'OPTION_INVALID',
      `dtype is ${show(dtype)}, but a model that trains is held in f32. Leave dtype out, or train adapters (Lora).`,
    );
  }
  return new AskedFormats(dtype);
}

function checkCacheDtype(cacheDtype: unknown): void {
  if (cacheDtypes.some((name) => name === cacheDtype)) return;
  const names = cacheDtypes.map((name) => `'${name}'`).join(' or ');
  throw new TransformerError(
    'OPTION_INVALID',
    `cacheDtype is ${show(cacheDtype)}; wanted ${names}.`,
  );
}

interface Declared {
  readonly make: (parts: LoadedParts) => Model;
  readonly loader: WeightLoader;
  readonly parameters: Parameters | undefined;
}

/**
 * Declares an architecture's weights. Those that train stand in common buffers, whose size is known
 * only when all are declared; so a first pass makes nothing and only collects the shapes.
 */
function declareWeights(
  scope: Scope,
  architecture: Architecture,
  config: Config,
  settings: WeightLoaderOptions & { arena: typeof ParameterArena | undefined },
): Declared {
  const { arena: Arena, ...options } = settings;
  if (Arena === undefined) {
    const loader = new WeightLoader(scope, options);
    return { make: architecture(config, loader), loader, parameters: undefined };
  }
  const inF32 = { ...options, formats: new AskedFormats('f32') };
  const shapes: (readonly number[])[] = [];
  const collect = (tensor: TensorOptions): Tensor => {
    shapes.push(tensor.shape);
    return new Tensor(tensor);
  };
  architecture(config, new WeightLoader(undefined, { ...inF32, place: collect }));
  const arena = new Arena(scope, shapes);
  const place = ({ label, shape }: TensorOptions): Tensor => arena.place(label, shape);
  const loader = new WeightLoader(scope, { ...inF32, place });
  const make = architecture(config, loader);
  const { segments, places } = arena;
  const { slices, constants } = loader;
  return { make, loader, parameters: { segments, places, slices, constants } };
}
