// loadModel: from a folder of files to a model on the GPU.

import { nearestName, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { Gpu } from '../runtime/gpu.ts';
import { Scope } from '../runtime/scope.ts';
import { Config } from './config.ts';
import { EncoderDecoderModel } from './encoder-decoder.ts';
import { httpSource } from './http-source.ts';
import { isObject, type JsonObject } from './json.ts';
import { marian } from './marian.ts';
import type { LoadedParts, Model } from './model.ts';
import { openSafetensors } from './safetensors.ts';
import { describeFile, type FileProgress, readJson, requireJson, type Source } from './source.ts';
import { TorchTransformerModel } from './torch-transformer-model.ts';
import { torchTransformer } from './torch-transformer.ts';
import { type WeightDtype, WeightLoader } from './weights.ts';

export interface LoadOptions {
  /** The device to load to; a new one, closed with the model, when absent. */
  gpu?: Gpu;
  /** Storage format of the weight matrices on the GPU; as the checkpoint stores them when absent. */
  dtype?: 'f32' | 'f16';
  signal?: AbortSignal;
  /** Bytes of weights read of those there are, per file. */
  onProgress?: (progress: FileProgress) => void;
}

/** Builds a model of one architecture: declares its weights, and says how to make it once loaded. */
type Architecture = (config: Config, loader: WeightLoader) => (parts: LoadedParts) => Model;

/** By `model_type` of config.json; PyTorch's own modules have `kind` instead. */
const architectures: Readonly<Record<string, Architecture>> = {
  marian: (config, loader) => {
    const model = marian(config, loader);
    return (parts) => new EncoderDecoderModel(parts, model);
  },
  'torch.nn.Transformer': (config, loader) => {
    const model = torchTransformer(config, loader);
    return (parts) => new TorchTransformerModel(parts, model);
  },
};

let openPath: ((path: string) => Source) | undefined;

/** Registers how a platform opens paths that are no URLs. */
export function registerPathOpener(open: (path: string) => Source): void {
  openPath = open;
}

/** A source from what `loadModel` takes: a path (Node), a URL, or a source itself. */
export function openSource(source: string | URL | Source): Source {
  if (typeof source === 'object' && 'read' in source) return source;
  const text = String(source);
  if (openPath !== undefined && !/^https?:/i.test(text)) return openPath(text);
  return httpSource(source);
}

/**
 * Loads a checkpoint in Hugging Face layout: config.json, model.safetensors (or shards with their
 * index) and generation_config.json where there is one.
 * Errors leave nothing allocated: FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING,
 * TENSOR_MISMATCH, OUT_OF_MEMORY, LIMIT_EXCEEDED, ABORTED.
 */
export async function loadModel(
  source: string | URL | Source,
  options: LoadOptions = {},
): Promise<Model> {
  refuseUnknown(options, ['gpu', 'dtype', 'signal', 'onProgress'], 'option of loadModel');
  const dtype = checkDtype(options.dtype);
  const { signal, onProgress } = options;
  throwIfAborted(signal);
  const files = openSource(source);
  const ownGpu = options.gpu === undefined;
  const gpu = options.gpu ?? (await Gpu.request(signal ? { signal } : {}));
  let scope: Scope | undefined;
  try {
    scope = new Scope(gpu);
    const { config, generation } = await readConfigs(files, signal);
    const architecture = architectureOf(config, files);
    const entries = await openSafetensors(files, { signal });
    const loader = new WeightLoader(scope, entries, dtype);
    const make = await allocate(gpu, () =>
      architecture(new Config(config, describeFile(files, 'config.json')), loader),
    );
    await loader.load(files, { signal, onProgress });
    throwIfAborted(signal);
    const onDispose = (): void => {
      if (ownGpu) gpu.dispose();
    };
    return make({ gpu, config, scope, generation, onDispose });
  } catch (error) {
    scope?.dispose();
    if (ownGpu) gpu.dispose();
    throw error;
  } finally {
    files.release?.();
  }
}

/** config.json, and the settings of generation: their own file, or config.json where it is missing. */
export async function readConfigs(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<{ config: JsonObject; generation: JsonObject }> {
  const object = (value: unknown, file: string): JsonObject => {
    if (isObject(value)) return value;
    throw new TransformerError(
      'CONFIG_INVALID',
      `${describeFile(files, file)} is not a JSON object. Download the file again.`,
    );
  };
  const config = object(await requireJson(files, 'config.json', { signal }), 'config.json');
  const generation = await readJson(files, 'generation_config.json', { signal });
  return {
    config,
    generation: generation === undefined ? config : object(generation, 'generation_config.json'),
  };
}

function architectureOf(config: JsonObject, files: Source): Architecture {
  const name = config['model_type'] ?? config['kind'];
  const architecture =
    typeof name === 'string' && Object.hasOwn(architectures, name)
      ? architectures[name]
      : undefined;
  if (architecture !== undefined) return architecture;
  const known = Object.keys(architectures);
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `${describeFile(files, 'config.json')} has model_type ${JSON.stringify(name) ?? 'missing'}; ` +
      `this version runs ${known.join(' and ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}

function checkDtype(dtype: unknown): WeightDtype {
  if (dtype === undefined || dtype === 'f32' || dtype === 'f16') return dtype;
  const later =
    dtype === 'int8' || dtype === 'int4' ? ' (int8 and int4 are not supported yet)' : '';
  throw new TransformerError(
    'OPTION_INVALID',
    `dtype is ${JSON.stringify(dtype)}; wanted 'f32' or 'f16'${later}.`,
  );
}

/** Runs work that makes buffers, and throws OUT_OF_MEMORY when the device has no room for them. */
async function allocate<T>(gpu: Gpu, work: () => T): Promise<T> {
  const { device } = gpu;
  // Pushed and popped in one go: error scopes belong to the device, which others use meanwhile.
  device.pushErrorScope('out-of-memory');
  let exhausted: Promise<GPUError | null> | undefined;
  let result: T;
  try {
    result = work();
  } finally {
    exhausted = device.popErrorScope();
  }
  const cause = await exhausted;
  if (cause === null) return result;
  throw new TransformerError(
    'OUT_OF_MEMORY',
    `The weights need ${gpu.memory.bytes} bytes, more than the device has left. ` +
      "Load with dtype: 'f16', or dispose of other models.",
    { cause },
  );
}
