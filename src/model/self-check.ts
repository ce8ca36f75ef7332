// Whether a device computes a model right: the kernels that the model runs beside plain arithmetic, and what
// the model makes of a few tokens beside a result that a device which passed has left with the weights. Kernels
// that are wrong tell of the driver; a result that differs while they are right, of the whole or the weights.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { elements } from '../runtime/tensor.ts';
import type { Check } from '../self-test/run-check.ts';
import { inferenceTest } from '../self-test/inference.ts';
import { isObject, type JsonObject } from '../source/json.ts';
import { describeFile, readJson, type Source } from '../source/source.ts';
import type { DenseTensor } from './inputs/inputs.ts';
import type { Model, ModelInputs, ModelOutput } from './model.ts';

/** The file of a stored result, beside the weights. */
export const checkFile = 'webgpu-transformer.check.json';

/** Tokens that a model is tried on, values that are stored of its result, and checks that a message has. */
const [tokens, stored, told] = [8, 16, 3];

/** Differences from a stored result, as a part of its largest value: of one format of weights, and of others. */
const [tolerance, coarse] = [1e-3, 5e-2];

/** A stored result. `places` are indices into the output's values. */
export interface StoredResult {
  /** The format that the weights were asked for in. */
  readonly dtype: string;
  readonly inputs: ModelInputs;
  readonly output: 'logits' | 'startLogits' | 'lastHiddenState';
  readonly shape: readonly number[];
  readonly places: readonly number[];
  readonly values: readonly number[];
}

/** How far a model's result is from the stored one. */
export interface Comparison {
  readonly output: string;
  /** Largest difference, as a part of the largest value, and what is allowed. */
  readonly error: number;
  readonly allowed: number;
  /** Where the difference is largest, what was stored there and what came out. */
  readonly place: number;
  readonly wanted: number;
  readonly got: number;
}

/** The format that weights are asked for in, as a stored result names it. */
export function formatName({ dtype, training }: { dtype?: unknown; training?: boolean }): string {
  if (training === true) return 'f32';
  if (dtype === undefined) return 'as stored';
  return typeof dtype === 'string' ? dtype : JSON.stringify(dtype);
}

/**
 * Refuses a device on which a model computes wrong results. `format`: see `formatName`.
 * @throws TransformerError VALIDATION_FAILED; FILE_INVALID for a stored result that is none
 */
export async function checkModel(
  model: Model,
  files: Source,
  { format, signal }: { format: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const result = await readStored(files, signal);
  const output = await tryOut(model, result?.inputs, signal);
  const { kernels } = model.gpu.pipelines;
  const checks = await inferenceTest(model.gpu, (kernel) => kernels.has(kernel));
  throwIfAborted(signal);
  model.gpu.assertUsable();
  refuseWrong(checks);
  const compared = result && compare(result, output, format);
  if (compared === undefined || compared.error <= compared.allowed) return;
  throw new TransformerError('VALIDATION_FAILED', differs(compared, files));
}

function refuseWrong(checks: readonly Check[]): void {
  const wrong = checks.filter(({ passed }) => !passed);
  if (wrong.length === 0) return;
  const lines = wrong
    .slice(0, told)
    .map(({ name, kernels, error, reason }) =>
      [`${name} (${kernels.join(', ')})`, reason ?? `off by ${error.toExponential(1)}`].join(': '),
    );
  throw new TransformerError(
    'VALIDATION_FAILED',
    `${wrong.length} of ${checks.length} checks of the kernels that this model runs failed: ` +
      `${lines.join('; ')}. This device computes wrong results: update its driver, or use another adapter.`,
  );
}

/** What a message says of a result that differs. */
export function differs(
  { output, error, allowed, place, wanted, got }: Comparison,
  files: Source,
): string {
  return (
    `${output}[${place}] is ${got}, but ${describeFile(files, checkFile)} has ${wanted}: off by ` +
    `${error.toExponential(1)} of the largest value, where ${allowed} is allowed. The kernels compute right ` +
    'alone. Check that the file belongs to these weights; if it does, report the adapter and the model.'
  );
}

/**
 * What a model makes of some tokens, its own where none are given; models that generate take two steps, too.
 * @throws TransformerError VALIDATION_FAILED where a value is no finite number
 */
export async function tryOut(
  model: Model,
  inputs: ModelInputs | undefined,
  signal?: AbortSignal,
): Promise<{ inputs: ModelInputs; output: ModelOutput }> {
  const options = signal ? { signal } : {};
  const tried = await forwardOf(model, inputs === undefined ? probes(model) : [inputs], options);
  const { inputIds } = tried.inputs;
  if (inputIds !== undefined && tried.output.logits?.shape.length === 3) {
    await model.generate({ inputIds }, { ...options, maxNewTokens: 2 }).catch((error: unknown) => {
      const code = error instanceof TransformerError ? error.code : undefined;
      if (code !== 'MODEL_UNSUPPORTED' && code !== 'INPUT_INVALID') throw error;
    });
  }
  for (const [name, tensor] of Object.entries(tried.output)) {
    const place = (tensor as DenseTensor).data.findIndex((value) => !Number.isFinite(value));
    if (place < 0) continue;
    throw new TransformerError(
      'VALIDATION_FAILED',
      `${name}[${place}] of ${tokens} tokens is no finite number. Look at the weights, or load with dtype: 'f32'.`,
    );
  }
  return tried;
}

/** The result for the first of some inputs that a model takes. */
async function forwardOf(
  model: Model,
  [inputs = {}, ...others]: readonly ModelInputs[],
  options: { signal?: AbortSignal },
): Promise<{ inputs: ModelInputs; output: ModelOutput }> {
  try {
    return { inputs, output: await model.forward(inputs, options) };
  } catch (error) {
    const isRefused = error instanceof TransformerError && error.code === 'INPUT_INVALID';
    if (!isRefused || others.length === 0) throw error;
    return forwardOf(model, others, options);
  }
}

/**
 * Inputs for models with a decoder, of texts and images, of texts, vectors, images, and sound. Some heads want an end token in
 * each row.
 */
function probes({ config, maxPositions }: Model): ModelInputs[] {
  const sections = ['model', 'text_config', 'vision_config', 'encoder', 'decoder'];
  const parts = sections.map((name) => config[name]);
  const fields = Object.assign({}, ...parts.filter(isObject), config) as JsonObject;
  const size = (...names: readonly string[]): number =>
    Number(names.map((name) => fields[name]).find((value) => value) ?? 1);
  const length = Math.min(tokens, Math.max(1, maxPositions - 2));
  const end = Number([fields['eos_token_id']].flat()[0] ?? NaN);
  const ids = (vocabulary: number): number[][] => [
    Array.from({ length }, (_, i) =>
      i === length - 1 && end < vocabulary ? end : (3 + 7 * i) % vocabulary,
    ),
  ];
  const inputIds = ids(size('vocab_size', 'src_vocab'));
  const decoderInputIds = ids(size('decoder_vocab_size', 'vocab_size', 'tgt_vocab'));
  const width = size('d_model');
  const vectors = waves([1, length, width]);
  const [height = 224, across = height] = [fields['image_size'] ?? []].flat().map(Number);
  const pixelValues = waves([1, Number(fields['num_channels'] ?? 3), height, across]);
  const bins = Number(fields['num_mel_bins'] ?? 80);
  const inputFeatures = waves([1, bins, 2 * Number(fields['max_source_positions'] ?? 1500)]);
  const inputValues = waves([1, 4000]);
  return [
    { inputIds, decoderInputIds },
    { inputIds, pixelValues },
    { inputIds },
    { inputsEmbeds: vectors, decoderInputsEmbeds: vectors },
    { pixelValues, decoderInputIds },
    { pixelValues },
    { inputFeatures, decoderInputIds },
    { inputFeatures },
    { inputValues, decoderInputIds },
    { inputValues },
  ];
}

function waves(shape: readonly number[]): DenseTensor {
  const data = Float32Array.from({ length: elements(shape) }, (_, i) => Math.sin(1.7 * i));
  return { data, shape };
}

/** The result to store of a model that is right. @throws TransformerError MODEL_UNSUPPORTED for vectors */
export async function resultOf(model: Model, format: string): Promise<StoredResult> {
  const { inputs, output } = await tryOut(model, undefined);
  const name = (['logits', 'startLogits', 'lastHiddenState'] as const).find((key) => output[key]);
  const tensor = name && output[name];
  if (tensor === undefined || inputs.inputIds === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'A result is stored of models that take token ids only. Leave --write-check out.',
    );
  }
  const { data, shape } = tensor;
  const places = Array.from({ length: Math.min(stored, data.length) }, (_, i) =>
    Math.floor((i * data.length) / Math.min(stored, data.length)),
  );
  const values = places.map((place) => data[place] ?? 0);
  return { dtype: format, inputs, output: name ?? 'logits', shape, places, values };
}

/** How a model's result compares with a stored one; by a coarse measure where formats of weights differ. */
export function compare(
  { dtype, output: name, shape, places, values }: StoredResult,
  { output }: { output: ModelOutput },
  format: string,
): Comparison {
  const got = output[name];
  const isSame = got !== undefined && got.shape.join() === shape.join();
  const differences = places.map((place, i) =>
    isSame ? Math.abs((got.data[place] ?? NaN) - (values[i] ?? NaN)) : Infinity,
  );
  const largest = Math.max(...values.map(Math.abs));
  const worst = Math.max(...differences);
  const at = differences.indexOf(worst);
  return {
    output: name,
    error: worst === 0 ? 0 : worst / largest,
    allowed: dtype === format ? tolerance : coarse,
    place: places[at] ?? 0,
    wanted: values[at] ?? NaN,
    got: got?.data[places[at] ?? 0] ?? NaN,
  };
}

/** The stored result of a checkpoint. @throws TransformerError FILE_INVALID for what is none */
export async function readStored(
  files: Source,
  signal?: AbortSignal,
): Promise<StoredResult | undefined> {
  const value = await readJson(files, checkFile, { signal });
  if (value === undefined) return undefined;
  if (isObject(value) && isStored(value)) return value;
  throw new TransformerError(
    'FILE_INVALID',
    `${describeFile(files, checkFile)} holds no stored result. Remove it, or write it again: doctor --model ` +
      'DIR --write-check.',
  );
}

function isStored(value: JsonObject): value is JsonObject & StoredResult {
  const { dtype, inputs, output, shape, places, values } = value;
  const count = Array.isArray(places) ? places.length : 0;
  const isList = (list: unknown): boolean =>
    Array.isArray(list) && list.every((number) => Number.isFinite(number));
  return (
    typeof dtype === 'string' &&
    isObject(inputs) &&
    ['logits', 'startLogits', 'lastHiddenState'].includes(String(output)) &&
    [shape, places, values].every(isList) &&
    count > 0 &&
    count <= stored &&
    (values as unknown[]).length === count
  );
}
