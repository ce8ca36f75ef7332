// Sparse autoencoders: activations as sums of few features out of many.

import { TransformerError } from '../runtime/errors.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { openSource, type ModelSource } from '../source/open-source.ts';
import { isObject, type JsonObject, show } from '../source/json.ts';
import { describeFile, fileExists, requireJson, type Source } from '../source/source.ts';
import { checkWhole } from '../training/check.ts';
import { checkTensor } from './checks.ts';
import { tensorsOf, type TensorFile } from './tensor-file.ts';

/** A feature that is active at a position. */
export interface Feature {
  /** Its number. */
  readonly feature: number;
  /** Above 0. */
  readonly activation: number;
}

/** How pre-activations become activations. */
type Gate =
  | { readonly kind: 'relu' }
  /** Those above a threshold of their own, as they are. */
  | { readonly kind: 'jumprelu'; readonly threshold: Float32Array }
  /** The k largest, where they are above 0. */
  | { readonly kind: 'topk'; readonly k: number };

interface Weights {
  /** (features, d) */
  readonly encoder: Float32Array;
  readonly encoderBias: Float32Array;
  /** (features, d) */
  readonly decoder: Float32Array;
  readonly decoderBias: Float32Array;
  /** Whether the decoder's bias is taken off before. */
  readonly isCentred: boolean;
  readonly gate: Gate;
}

/** A sparse autoencoder: see `loadAutoencoder`. */
export class SparseAutoencoder {
  /** Features that it has. */
  readonly features: number;
  /** The width of the activations that it reads. */
  readonly size: number;
  /** Where they are read, as its file calls it; undefined where it says nothing. */
  readonly at: string | undefined;
  readonly #weights: Weights;

  /** @internal */
  constructor(weights: Weights, at: string | undefined) {
    this.#weights = weights;
    this.features = weights.encoderBias.length;
    this.size = weights.decoderBias.length;
    this.at = at;
  }

  /**
   * The activations of all features: (…, d) to (…, features).
   * @throws TransformerError INPUT_INVALID where the states are of another width
   */
  encode(states: DenseTensor): DenseTensor {
    const rows = this.#rowsOf(states);
    const data = new Float32Array(rows.length * this.features);
    rows.forEach((row, i) => data.set(this.#encodeRow(row), i * this.features));
    return { data, shape: [...states.shape.slice(0, -1), this.features] };
  }

  /** What features add up to: (…, features) to (…, d). @throws TransformerError INPUT_INVALID */
  decode(activations: DenseTensor): DenseTensor {
    const { features, size } = this;
    this.#checkWidth('activations', activations, features);
    const { data, shape } = activations;
    const { decoder, decoderBias } = this.#weights;
    const count = data.length / features;
    const states = new Float32Array(count * size);
    for (let row = 0; row < count; row++) {
      const own = states.subarray(row * size, (row + 1) * size);
      own.set(decoderBias);
      for (let feature = 0; feature < features; feature++) {
        const activation = data[row * features + feature] ?? 0;
        if (activation === 0) continue;
        for (let i = 0; i < size; i++) {
          own[i] = (own[i] ?? 0) + activation * (decoder[feature * size + i] ?? 0);
        }
      }
    }
    return { data: states, shape: [...shape.slice(0, -1), size] };
  }

  /**
   * The most active features of each row of states, the most active first; fewer than `count` where fewer are active.
   * @throws TransformerError INPUT_INVALID, OPTION_INVALID
   */
  topFeatures(states: DenseTensor, count: number = 10): Feature[][] {
    checkWhole('count', count, 1);
    return this.#rowsOf(states).map((row) => {
      const active: Feature[] = [];
      this.#encodeRow(row).forEach((activation, feature) => {
        if (activation > 0) active.push({ feature, activation });
      });
      return active.toSorted((a, b) => b.activation - a.activation).slice(0, count);
    });
  }

  /**
   * The direction of a feature, (d): add it to activations to steer by it.
   * @throws TransformerError OPTION_INVALID
   */
  direction(feature: number): Float32Array {
    if (!Number.isInteger(feature) || feature < 0 || feature >= this.features) {
      throw new TransformerError(
        'OPTION_INVALID',
        `feature is ${show(feature)}; wanted a whole number from 0 to ${this.features - 1}.`,
      );
    }
    return this.#weights.decoder.slice(feature * this.size, (feature + 1) * this.size);
  }

  #rowsOf(states: DenseTensor): Float32Array[] {
    this.#checkWidth('states', states, this.size);
    return Array.from({ length: states.data.length / this.size }, (_, row) =>
      states.data.subarray(row * this.size, (row + 1) * this.size),
    );
  }

  #checkWidth(what: string, given: DenseTensor, width: number): void {
    const wanted = `whose last axis is ${width}, as this autoencoder has it`;
    checkTensor(what, given, wanted, (shape) => shape.at(-1) === width);
  }

  #encodeRow(row: Float32Array): Float32Array {
    const { encoder, encoderBias, decoderBias, isCentred, gate } = this.#weights;
    const { size } = this;
    const x = isCentred ? row.map((value, i) => value - (decoderBias[i] ?? 0)) : row;
    const before = encoderBias.map((bias, feature) => {
      let sum = bias;
      const first = feature * size;
      for (let i = 0; i < size; i++) sum += (encoder[first + i] ?? 0) * (x[i] ?? 0);
      return sum;
    });
    return gated(before, gate);
  }
}

function gated(before: Float32Array, gate: Gate): Float32Array {
  if (gate.kind === 'relu') return before.map((value) => Math.max(value, 0));
  if (gate.kind === 'jumprelu') {
    const { threshold } = gate;
    return before.map((value, i) => (value > (threshold[i] ?? 0) && value > 0 ? value : 0));
  }
  const least = before.toSorted().at(-gate.k) ?? -Infinity;
  return before.map((value) => (value >= least && value > 0 ? value : 0));
}

const files = ['sae_weights.safetensors', 'sae.safetensors', 'model.safetensors'] as const;
const configs = ['cfg.json', 'config.json'] as const;

/**
 * A sparse autoencoder from a folder, in one of two usual layouts: SAELens' (`cfg.json`, `sae_weights.safetensors` with
 * W_enc (d, features), b_enc, W_dec (features, d), b_dec, of JumpReLU also threshold; architectures `standard`,
 * `jumprelu` and `topk`) and EleutherAI's Sparsify (`cfg.json`, `sae.safetensors` with encoder.weight (features, d), encoder.bias,
 * W_dec, b_dec; `k` largest features). "Sparse Autoencoders Find Highly Interpretable Features in Language Models"
 * (Cunningham et al. 2023, arXiv 2309.08600); JumpReLU: Rajamanoharan et al. 2024, arXiv 2407.14435; top-k: Gao et al.
 * 2024, arXiv 2406.04093.
 * @throws TransformerError FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING, TENSOR_MISMATCH
 * @example
 * const autoencoder = await loadAutoencoder('saes/blocks.8.hook_resid_pre');
 * const { captured } = await model.forward(inputs, { capture: ['layers.8.input'] });
 * autoencoder.topFeatures(captured['layers.8.input']);
 */
export async function loadAutoencoder(source: ModelSource): Promise<SparseAutoencoder> {
  const folder = openSource(source);
  try {
    const config = await requireJson(folder, await firstOf(folder, configs));
    const file = await firstOf(folder, files);
    const label = describeFile(folder, configs[0]);
    if (!isObject(config)) {
      throw new TransformerError(
        'CONFIG_INVALID',
        `${label} is ${show(config)}; wanted an object.`,
      );
    }
    const tensors = await tensorsOf(folder, file);
    const isSparsify = tensors.has('encoder.weight');
    const weights = isSparsify ? sparsify(tensors, config, label) : saeLens(tensors, config, label);
    return new SparseAutoencoder(weights, pointOf(config));
  } finally {
    folder.release?.();
  }
}

async function firstOf(
  source: Source,
  names: readonly [string, ...string[]] | readonly string[],
): Promise<string> {
  for (const name of names) if (await fileExists(source, name)) return name;
  return names[0] ?? '';
}

function sparsify(tensors: TensorFile, config: JsonObject, label: string): Weights {
  const [features = 0, size = 0] = tensors.shapeOf('encoder.weight');
  for (const field of ['transcode', 'skip_connection']) {
    if (config[field] === true) throw unsupported(label, field, true);
  }
  const { activation = 'topk' } = config;
  if (activation !== 'topk') throw unsupported(label, 'activation', activation);
  return {
    encoder: tensors.take('encoder.weight', [features, size]),
    encoderBias: tensors.take('encoder.bias', [features]),
    decoder: tensors.take('W_dec', [features, size]),
    decoderBias: tensors.take('b_dec', [size]),
    isCentred: true,
    gate: { kind: 'topk', k: kOf(config, label, features) },
  };
}

function saeLens(tensors: TensorFile, config: JsonObject, label: string): Weights {
  const [size = 0, features = 0] = tensors.shapeOf('W_enc');
  const { architecture = 'standard', normalize_activations: normalize = 'none' } = config;
  if (normalize !== 'none' && normalize !== null) {
    throw unsupported(label, 'normalize_activations', normalize);
  }
  if (config['rescale_acts_by_decoder_norm'] === true) {
    throw unsupported(label, 'rescale_acts_by_decoder_norm', true);
  }
  const gates: Readonly<Record<string, () => Gate>> = {
    standard: () => ({ kind: 'relu' }),
    jumprelu: () => ({ kind: 'jumprelu', threshold: tensors.take('threshold', [features]) }),
    topk: () => ({ kind: 'topk', k: kOf(config, label, features) }),
  };
  const gate = typeof architecture === 'string' ? gates[architecture]?.() : undefined;
  if (gate === undefined) throw unsupported(label, 'architecture', architecture);
  return {
    encoder: transposed(tensors.take('W_enc', [size, features]), size, features),
    encoderBias: tensors.take('b_enc', [features]),
    decoder: tensors.take('W_dec', [features, size]),
    decoderBias: tensors.take('b_dec', [size]),
    isCentred: config['apply_b_dec_to_input'] !== false,
    gate,
  };
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: data.length }, (_, i) => {
    return data[(i % rows) * columns + Math.floor(i / rows)] ?? 0;
  });
}

function kOf(
  { k, activation_fn_kwargs: settings }: JsonObject,
  label: string,
  features: number,
): number {
  const given = k ?? (isObject(settings) ? settings['k'] : undefined);
  if (Number.isInteger(given) && Number(given) > 0 && Number(given) <= features)
    return Number(given);
  throw new TransformerError(
    'CONFIG_INVALID',
    `"k" of ${label} is ${given === undefined ? 'missing' : show(given)}; wanted a whole number from 1 to ${features}, the features.`,
  );
}

function pointOf({ hook_name: hook, hookpoint, metadata }: JsonObject): string | undefined {
  const given = hook ?? hookpoint ?? (isObject(metadata) ? metadata['hook_name'] : undefined);
  return typeof given === 'string' ? given : undefined;
}

function unsupported(label: string, field: string, value: unknown): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `"${field}" of ${label} is ${show(value)}, which is not supported. Take an autoencoder without it, of the ` +
      'architecture standard, jumprelu or topk.',
  );
}
