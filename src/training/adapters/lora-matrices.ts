// The matrices A and B of low-rank updates: their memory, their first values, and
// what they add to a layer's result.

import type { Gpu } from '../../runtime/gpu.ts';
import { Scope } from '../../runtime/scope.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { ParameterArena } from '../../model/weights/parameter-arena.ts';
import type { EmbeddingUpdate } from '../../model/layers/embeddings.ts';
import type { ExpertUpdate } from '../../model/weights/expert-weights.ts';
import type { LinearUpdate } from '../../model/weights/linear-weights.ts';
import type { Parameters, WeightSlice } from '../../model/weights/parameters.ts';
import { writeParameters } from '../../model/weights/read-parameters.ts';
import { Random } from '../../model/random.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { dropout as drop } from '../../shaders/elementwise/dropout.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { lora } from '../../shaders/matmul/adapters/lora.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { expertMatmul } from '../../shaders/experts/expert-matmul.ts';
import type { LayerSize } from './lora-options.ts';
import type { AdaptableLayer, LayerRows } from './lora-targets.ts';
import { magnitudeName, matrixName, storedMatrices } from './matrix-names.ts';
import { type WholeModules, wholeName } from './whole-modules.ts';

/** A layer with the size of its update. */
export interface SizedLayer extends AdaptableLayer, LayerSize {}

/** Rows of a layer, and what an update adds to them: all of it, unless they stand apart. */
export interface AdaptedLayer extends Omit<SizedLayer, 'pieces' | 'out'>, LayerRows {
  /** (rank, input); of experts (experts · rank, input); of an embedding (out, rank), whose rows are looked up */
  readonly a: Tensor;
  /** (out, rank); of experts (experts · out, rank); of an embedding (input, rank) */
  readonly b: Tensor;
  /** (out): the length that each row of W + scale · B·A is brought to, of adapters that do (DoRA). */
  readonly magnitude?: Tensor;
  /** (rank, 1): what each row of A counts, of adapters whose ranks are allocated (AdaLoRA). */
  readonly singular?: Tensor;
}

/** What an adapter is for: layers with updates, and modules that train whole. */
export interface AdapterPlaces {
  readonly layers: readonly SizedLayer[];
  readonly modules: WholeModules;
  /** Whether layers have magnitudes. */
  readonly dora: boolean;
}

/** The matrices of an adapter on a device. */
export interface Matrices {
  readonly scope: Scope;
  readonly layers: readonly AdaptedLayer[];
  readonly sized: readonly SizedLayer[];
  /** Its own weights of modules that train whole, by those of the model. */
  readonly whole: ReadonlyMap<Tensor, Tensor>;
  readonly modules: WholeModules;
  readonly parameters: Parameters;
  /** Whether those modules and all magnitudes have values; they are 0 where none were given. */
  readonly isWhole: boolean;
}

/** Values of matrices, by their names in files, and of modules that train whole where they are known. */
export type MatrixValues = (layers: readonly SizedLayer[]) => ReadonlyMap<string, StoredValues>;

/** Matrices for these layers with these values. */
export function makeMatrices(gpu: Gpu, places: AdapterPlaces, values: MatrixValues): Matrices {
  const scope = new Scope(gpu);
  try {
    const { layers, whole, parameters } = allocateMatrices(scope, places);
    const given = values(places.layers);
    const missing = parameters.slices.filter(({ name }) => !given.has(name));
    const zeros = missing.map(({ name, shape }) => {
      return [name, { shape, data: new Float32Array(elements(shape)) }] as const;
    });
    // Where there was no room for them, the first list that reads them fails.
    const { device } = gpu;
    device.pushErrorScope('validation');
    writeParameters(gpu, parameters, new Map([...given, ...zeros]));
    device.popErrorScope().catch(() => {});
    const { modules } = places;
    const sized = places.layers;
    return { scope, layers, sized, whole, modules, parameters, isWhole: missing.length === 0 };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}

/** A matrix on the device: what a file has under a name, or the rows of it for some of a layer's. */
interface MatrixPlace {
  readonly key: string;
  readonly shape: readonly number[];
  readonly piece?: LayerRows;
  readonly slicesOf: (tensor: Tensor) => WeightSlice[];
}

/** The matrices of a layer: A as a whole, which embeddings look up by row, B and magnitudes as the layer's rows stand. */
function placesOf(layer: SizedLayer, dora: boolean): MatrixPlace[] {
  return storedMatrices(layer, { dora }).flatMap(({ key, shape }) => {
    const isA = key === matrixName(layer, 'A');
    const transposed = isA && layer.isEmbedding;
    const isSingular = layer.isAdaptive && key === matrixName(layer, 'E');
    if (isA || isSingular || layer.isEmbedding) {
      const slicesOf = (tensor: Tensor): WeightSlice[] => [
        { name: key, shape, storedFirst: 0, tensor, first: 0, size: elements(shape), transposed },
      ];
      return [{ key, shape: transposed ? shape.toReversed() : shape, slicesOf }];
    }
    const width = elements(shape.slice(1));
    return layer.pieces.map((piece) => {
      const slicesOf = (tensor: Tensor): WeightSlice[] => {
        let end = 0;
        return piece.runs.map(({ from, rows }) => {
          const first = end;
          end += rows * width;
          return { name: key, shape, storedFirst: from * width, tensor, first, size: rows * width };
        });
      };
      return { key, shape: [piece.out, ...shape.slice(1)], piece, slicesOf };
    });
  });
}

/** Matrices of 0 for these layers, in common buffers for a trainer, by their names in files. */
function allocateMatrices(
  scope: Scope,
  { layers, modules, dora }: AdapterPlaces,
): Pick<Matrices, 'layers' | 'whole' | 'parameters'> {
  const shapes = layers.flatMap((layer) => placesOf(layer, dora).map(({ shape }) => shape));
  const bases = new Set(modules.slices.map(({ tensor }) => tensor));
  const arena = new ParameterArena(scope, [...shapes, ...[...bases].map(({ shape }) => shape)]);
  const slices: WeightSlice[] = [];
  const adapted = layers.flatMap((layer) => {
    const places = placesOf(layer, dora).map((place) => {
      const tensor = arena.place(place.key, place.shape);
      slices.push(...place.slicesOf(tensor));
      return { ...place, tensor };
    });
    const { pieces, ...size } = layer;
    return pieces.map((piece): AdaptedLayer => {
      const held = (key: string): Tensor | undefined =>
        places.find((place) => place.key === key && (place.piece ?? piece) === piece)?.tensor;
      const [a, b] = [held(matrixName(layer, 'A')), held(matrixName(layer, 'B'))];
      if (a === undefined || b === undefined) throw new RangeError(`no matrices: ${layer.name}`);
      const magnitude = held(magnitudeName(layer.name));
      const singular = layer.isAdaptive ? held(matrixName(layer, 'E')) : undefined;
      return {
        ...size,
        ...piece,
        a,
        b,
        ...(magnitude && { magnitude }),
        ...(singular && { singular }),
      };
    });
  });
  const whole = new Map(
    [...bases].map((base) => [base, arena.place(wholeName(base.label), base.shape)]),
  );
  for (const slice of modules.slices) {
    const tensor = whole.get(slice.tensor);
    if (tensor !== undefined) slices.push({ ...slice, name: wholeName(slice.name), tensor });
  }
  const { segments, places } = arena;
  return { layers: adapted, whole, parameters: { segments, places, slices, constants: [] } };
}

/**
 * The values that matrices begin with: B is 0, A is drawn uniformly from ±1/√input. Of embeddings A is 0, and B is drawn
 * from the standard normal distribution; of adapters whose ranks are allocated both are, times 0.02, and the singular
 * values are 0: as PEFT and the authors' own code do.
 */
export function drawMatrices(
  layers: readonly SizedLayer[],
  seed: number,
): Map<string, StoredValues> {
  const random = new Random(seed);
  const values = new Map<string, StoredValues>();
  for (const layer of layers) {
    const bound = 1 / Math.sqrt(layer.input);
    const [drawn, draw] = layer.isAdaptive
      ? (['AB', () => 0.02 * random.normal()] as const)
      : layer.isEmbedding
        ? (['B', () => random.normal()] as const)
        : (['A', () => bound * (2 * random.next() - 1)] as const);
    for (const { key, shape } of storedMatrices(layer, { dora: false })) {
      const isDrawn = (['A', 'B'] as const).some(
        (name) => drawn.includes(name) && key === matrixName(layer, name),
      );
      const data = new Float32Array(elements(shape));
      values.set(key, { shape, data: isDrawn ? data.map(draw) : data });
    }
  }
  return values;
}

/**
 * "h = W₀x + ΔWx = W₀x + BAx" (§4.1, eq. 3), scaled, and so many times, for adapted layers of one weight. `dropout`:
 * the part of x that is dropped before each A, in lists that draw random numbers.
 */
export function lowRank(
  layers: readonly AdaptedLayer[],
  { weight, dropout }: { readonly weight: number; readonly dropout: number },
): LinearUpdate {
  return (y, x) =>
    layers.reduce((sum, { name, a, b, singular, first, scale }) => {
      const input = drop(x, dropout);
      const projected = matmul(input, a, { transposed: true, label: `A ${name}` });
      const inner = singular ? columnScale(projected, singular) : projected;
      const delta = matmul(inner, b, { transposed: true, label: `B ${name}` });
      return lora(sum, delta, { left: first, scale: weight * scale });
    }, y);
}

/**
 * What embeddings of tokens add to the rows that they look up, (BA)ᵀ scaled, and so many times. As in PEFT nothing is
 * dropped, and the row of padding has no gradient.
 */
export function lowRankRows(
  layers: readonly AdaptedLayer[],
  { weight }: { readonly weight: number },
): EmbeddingUpdate {
  return (y, ids, options) =>
    layers.reduce((sum, { name, a, b, scale }) => {
      const inner = embedding(ids, a, options);
      const delta = matmul(inner, b, { transposed: true, label: `B ${name}` });
      return lora(sum, delta, { scale: weight * scale });
    }, y);
}

/** What experts add for the tokens that they are chosen for, B[e]A[e]x, scaled, and so many times. */
export function lowRankExperts(
  layers: readonly AdaptedLayer[],
  { weight }: { readonly weight: number },
): ExpertUpdate {
  return (y, x, routes) =>
    layers.reduce((sum, { a, b, scale }) => {
      const delta = expertMatmul(expertMatmul(x, { weight: a }, routes), { weight: b }, routes);
      return lora(sum, delta, { scale: weight * scale });
    }, y);
}
