// The layers that a sentence-transformers checkpoint may have behind its pooling, loaded with the
// first that has them. A layer is one product of a matrix and a vector a text, which is little beside
// the model: it is computed here, in float64.

import { numbersIn } from '../../model/weights/weight-formats.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { openSafetensors, readTensors } from '../../source/safetensors.ts';
import { describeFile, readJson, type Source } from '../../source/source.ts';
import { normalized } from '../pooling.ts';
import { activationNames, activationOf } from './activations.ts';
import {
  checkModule,
  type SentenceModule,
  unsupported,
  within,
  wrongSize,
} from '../../model/sentence-modules.ts';

/** From the vector of a text to the next one. */
export type Layer = (vector: Float32Array) => Float32Array;

/** Layers by the kind of text that they are for, as a `Router` has them, and the kind that counts where none is named. */
export interface Routes {
  readonly routes: ReadonlyMap<string, readonly Layer[]>;
  readonly usual: string | undefined;
}

type Module = Pick<SentenceModule, 'kind' | 'folder' | 'config'>;

/** A `Dense`, a `LayerNorm` or a `Normalize`. */
export async function layerOf(
  files: Source,
  { kind, folder, config }: Module,
  signal: AbortSignal | undefined,
): Promise<Layer> {
  if (kind === 'Normalize') return normalized;
  return (kind === 'Dense' ? denseLayer : normLayer)(files, folder, config, signal);
}

/** A `Router`, or the `Asym` that it once was. Errors: MODEL_UNSUPPORTED for routes with models of their own. */
export async function routesOf(
  files: Source,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Routes> {
  const read = async (file: string): Promise<JsonObject | undefined> => {
    const value = await readJson(files, folder === '' ? file : `${folder}/${file}`, { signal });
    return isObject(value) ? value : undefined;
  };
  const config = (await read('router_config.json')) ?? (await read('config.json')) ?? {};
  const { types, structure, parameters, route_mappings: mappings } = config;
  if (isObject(mappings) && Object.keys(mappings).length > 0) {
    throw unsupported(files, 'its Router has route_mappings');
  }
  const typeOf = isObject(types) ? types : {};
  const routes = new Map<string, readonly Layer[]>();
  for (const [route, list] of Object.entries(isObject(structure) ? structure : {})) {
    const layers: Layer[] = [];
    for (const id of [list].flat()) {
      const type = typeOf[String(id)];
      const kind = String(type).split('.').at(-1) ?? '';
      if (kind === 'Dropout') continue;
      if (!['Dense', 'LayerNorm', 'Normalize'].includes(kind)) {
        throw unsupported(files, `the route ${show(route)} has the module ${show(type)}`);
      }
      const own = (await read(`${String(id)}/config.json`)) ?? {};
      checkModule(files, type, own);
      const module = { kind, folder: `${folder}/${String(id)}`, config: own };
      layers.push(await layerOf(files, module, signal));
    }
    routes.set(route, layers);
  }
  const usual = isObject(parameters) ? parameters['default_route'] : undefined;
  return { routes, usual: typeof usual === 'string' ? usual : undefined };
}

/** `Dense`: an activation of W x + b, where wanted with x (or a projection of it) added. */
async function denseLayer(
  files: Source,
  folder: string,
  config: JsonObject,
  signal: AbortSignal | undefined,
): Promise<Layer> {
  const { in_features: width, out_features: size } = config;
  const [from, to] = [Number(width), Number(size)];
  const activation = activationOf(config['activation_function'] ?? 'torch.nn.Tanh');
  if (activation === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${describeFile(files, `${folder}/config.json`)} wants the activation ` +
        `${show(config['activation_function'])}; those of torch.nn are supported that are ` +
        `${activationNames.join(', ')}.`,
    );
  }
  const isResidual = config['use_residual'] === true;
  const read = await weightsOf(files, folder, signal);
  const weight = read('linear.weight', [to, from]);
  const bias = config['bias'] === false ? undefined : read('linear.bias', [to]);
  const projection = isResidual && from !== to ? read('residual.weight', [to, from]) : undefined;
  return (vector) => {
    checkSize(files, folder, from, vector);
    return Float32Array.from({ length: to }, (_, row) => {
      const value = activation(product(weight, vector, row) + (bias?.[row] ?? 0));
      if (!isResidual) return value;
      return (
        value + (projection === undefined ? (vector[row] ?? 0) : product(projection, vector, row))
      );
    });
  };
}

/** `LayerNorm` (Ba et al. 2016, arXiv 1607.06450). */
async function normLayer(
  files: Source,
  folder: string,
  config: JsonObject,
  signal: AbortSignal | undefined,
): Promise<Layer> {
  const size = Number(config['dimension']);
  const read = await weightsOf(files, folder, signal);
  const [weight, bias] = [read('norm.weight', [size]), read('norm.bias', [size])];
  return (vector) => {
    checkSize(files, folder, size, vector);
    const mean = vector.reduce((sum, x) => sum + x, 0) / size;
    const variance = vector.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    return vector.map((x, i) => (x - mean) * scale * (weight[i] ?? 1) + (bias[i] ?? 0));
  };
}

function product(weight: Float32Array, vector: Float32Array, row: number): number {
  let sum = 0;
  const start = row * vector.length;
  for (let i = 0; i < vector.length; i++) sum += (weight[start + i] ?? 0) * (vector[i] ?? 0);
  return sum;
}

/** Reads the tensors of a layer, whose sizes must be those that are asked for. */
async function weightsOf(
  files: Source,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<(name: string, shape: readonly number[]) => Float32Array> {
  const own = within(files, folder);
  const entries = await openSafetensors(own, { signal });
  const bytes = new Map<string, Uint8Array>();
  for await (const piece of readTensors(own, entries.values(), { signal })) {
    const { name } = piece.entry;
    const whole = bytes.get(name) ?? new Uint8Array(piece.entry.end - piece.entry.start);
    whole.set(piece.bytes, piece.offset);
    bytes.set(name, whole);
  }
  return (name, shape) => {
    const entry = entries.get(name);
    const label = describeFile(own, 'model.safetensors');
    if (entry === undefined) {
      throw new TransformerError(
        'TENSOR_MISSING',
        `${label} has no tensor "${name}"; it has ${[...entries.keys()].join(', ')}.`,
      );
    }
    if (entry.shape.join() !== shape.join()) {
      throw new TransformerError(
        'FILE_INVALID',
        `The tensor "${name}" of ${label} is ${entry.shape.join(' × ')}; ` +
          `config.json beside it wants ${shape.join(' × ')}.`,
      );
    }
    const stored = bytes.get(name) ?? new Uint8Array(0);
    return numbersIn(entry, stored);
  };
}

function checkSize(files: Source, folder: string, size: number, vector: Float32Array): void {
  if (vector.length === size) return;
  throw wrongSize(files, folder, [size, vector.length]);
}
