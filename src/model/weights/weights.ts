// Weights on their way from a checkpoint to the GPU. An architecture first declares the tensors it
// needs, which checks names and shapes; one pass over the files then fills them, piece by piece.

import { makeInParts, type PartOptions } from '../../runtime/parts.ts';
import type { Scope } from '../../runtime/scope.ts';
import { type Dtype, pitchOf } from '../../runtime/dtype.ts';
import { elements, Tensor, type TensorOptions } from '../../runtime/tensor.ts';
import type { WeightSlice } from './parameters.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import type { ReadOptions, Source } from '../../source/source.ts';
import { TiedNames } from './tied-names.ts';
import { oldName, WeightNames } from './weight-names.ts';
import { type Linear, partOf, partsOf, sizesOf, sum } from './linear-weights.ts';
import type { AskedFormats } from './asked-formats.ts';
import type { FillOptions, LinearOptions, MatrixOptions } from './matrix-options.ts';
import { eachOf, expectShape, isEntry, type Zeros } from './found-entry.ts';
import { asShaped, commonFormat, heldAs, holds, packedOf } from './packed-entry.ts';

type ComputedValues = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Finds a tensor of the checkpoint by the name and shape that config.json calls for. */
export type FindEntry = (name: string, shape: readonly number[]) => TensorEntry | undefined;

/** Makes a tensor for weights. */
export type Allocate = (options: TensorOptions) => Tensor;

export interface WeightLoaderOptions {
  readonly find: FindEntry;
  /** The formats of matrices; as the checkpoint stores them when absent. */
  readonly formats?: AskedFormats;
  /** How tensors that train get memory; as the others when absent. */
  readonly place?: Allocate;
  /** Whether the weights are made, not found: then each is declared once, whatever names it has. */
  readonly isNew?: boolean;
  /** Bytes that one tensor may have: matrices beyond them come in parts. No limit when absent. */
  readonly limit?: number;
}

export class WeightLoader {
  readonly #scope: Scope | undefined;
  readonly #findEntry: FindEntry;
  readonly #formats: AskedFormats | undefined;
  readonly #allocate: Allocate;
  readonly #place: Allocate;
  readonly #limits: PartOptions;
  readonly #isNew: boolean;
  readonly #names = new WeightNames();
  /** What is wanted of the tensors of the checkpoint. */
  readonly wanted: Map<TensorEntry, WeightSlice[]> = new Map();
  /** Of weights that have their columns in another order than the checkpoint. */
  readonly #orders = new Map<Tensor, Tensor>();
  readonly #computed: (readonly [Tensor, ComputedValues])[] = [];
  readonly #tied: TiedNames;
  /** Tensors of tied weights, by the names they are stored under. */
  readonly #shared = new Map<string, Tensor>();
  /** Where the tensors of the checkpoint lie: those that are trained, and the others. */
  readonly slices: WeightSlice[] = [];
  readonly constants: WeightSlice[] = [];

  /** Without a scope nothing is allocated: tensors are names and shapes only. */
  constructor(
    scope: Scope | undefined,
    { find, formats, place, isNew = false, limit = Infinity }: WeightLoaderOptions,
  ) {
    this.#scope = scope;
    this.#findEntry = find;
    this.#formats = formats;
    this.#allocate = (options) => scope?.tensor(options) ?? new Tensor(options);
    this.#place = place ?? this.#allocate;
    this.#isNew = isNew;
    this.#limits = { limit, purpose: place ? 'parameters' : 'weights' };
    this.#tied = new TiedNames((name) => this.#stored(name) !== undefined, isNew);
  }

  /**
   * Says that these are names of one weight, the first its usual one. Any of them stands for those that
   * the checkpoint lacks; declared under several, it is one tensor unless the checkpoint has several.
   */
  tie(...names: readonly string[]): void {
    this.#tied.tie(names.map((name) => this.#names.named('inFile', name)));
  }

  /** Names that are tied, and stored both. */
  get twins(): (readonly [first: string, other: string])[] {
    return this.#tied.twins();
  }

  /**
   * A matrix of (rows, columns), in the storage format asked for. Several names are stacked: their
   * rows, as many each or a number for each, follow each other, so that one product does the work of
   * several.
   */
  matrix(
    names: string | readonly string[],
    rows: number | readonly number[],
    columns: number,
    options: MatrixOptions = {},
  ): Tensor {
    const { part, transposed: swapped = false } = options;
    const list = typeof names === 'string' ? [names] : names;
    const sizes = sizesOf(rows, list.length);
    const entries = list.map((name, index) => {
      const own = partOf(part, index)?.rows ?? sizes[index] ?? 0;
      const shape = swapped ? [columns, own] : [own, columns];
      const inFile = options.stored?.(own) ?? shape;
      return this.#find(this.#names.named('inFile', name), [own, columns], inFile);
    });
    const isOrdered = entries.some((entry) => packedOf(entry)?.isOrdered === true);
    const mayBeOrdered = options.ordered === true;
    const stored = isOrdered && !mayBeOrdered ? 'f32' : commonFormat(entries.map(heldAs));
    const asked = this.#formats?.formatOf(
      entries.map(({ name }) => name),
      columns,
    );
    const dtype = options.dtype ?? asked ?? stored;
    const order =
      isOrdered && mayBeOrdered && entries.every((entry) => holds(dtype, heldAs(entry)))
        ? this.#allocate({ label: `order of ${list.join(' + ')}`, shape: [columns], dtype: 'u32' })
        : undefined;
    const tensor = this.#tensor(entries, [sum(sizes), columns], dtype, { ...options, order });
    if (order !== undefined) this.#orders.set(tensor, order);
    return tensor;
  }

  /**
   * A vector, in f32; several names, of one size or a size for each, are joined end to end, with zeros for
   * those that are undefined. A shape of (1, size) passes.
   */
  vector(
    names: string | readonly (string | undefined)[],
    size: number | readonly number[],
    part?: MatrixOptions['part'],
  ): Tensor {
    const list = typeof names === 'string' ? [names] : names;
    const sizes = sizesOf(size, list.length);
    const entries = list.map((name, index) => {
      const shape = [partOf(part, index)?.rows ?? sizes[index] ?? 0];
      return name === undefined ? { shape } : this.#find(this.#names.named('inFile', name), shape);
    });
    return this.#tensor(entries, [sum(sizes)], 'f32', { part });
  }

  /** Whether the weights are trained: then only those are wanted that take part in the loss. */
  get trains(): boolean {
    return this.#place !== this.#allocate;
  }

  /** Whether the checkpoint has a tensor of this name. */
  has(name: string): boolean {
    return this.#stored(this.#names.named('inFile', name)) !== undefined;
  }

  /**
   * Says that the names of the base model are declared with a prefix. The file may have them without it, or as those of
   * a part beside others, as the tensor `name` tells; and without it has them the checkpoint's class where that is the
   * base model itself.
   */
  root(prefix: string, name: string, isBase: boolean): string {
    const part = 'language_model.';
    const roots = [prefix, '', prefix + part, part + prefix, part];
    const inFile = roots.find((each) => this.has(each + name)) ?? prefix;
    const own = isBase ? '' : prefix;
    this.#names.root({ prefix, inFile, inClass: inFile.includes(part) ? inFile : own });
    return prefix;
  }

  /** Declares a part of a model, whose names begin with `prefix` before all that it says itself. */
  within<T>(prefix: string, declare: () => T): T {
    return this.#names.within(prefix, declare);
  }

  /** A vector that belongs to the checkpoint but is not trained; undefined where there is none. */
  constant(name: string, storedShape: readonly number[]): Tensor | undefined {
    const own = this.#names.named('inFile', name);
    if (this.#findEntry(own, storedShape) === undefined) return undefined;
    const shape = [elements(storedShape)];
    const tensor = this.#allocate({ label: own, shape, dtype: 'f32' });
    this.#fill(tensor, [this.#find(own, shape)], {}, this.constants);
    return tensor;
  }

  /**
   * `prefix.weight` (out, in) and `prefix.bias` (out), unless `bias` is false; several prefixes are
   * stacked, and those without a bias among others have zeros.
   */
  linear(
    prefixes: string | readonly string[],
    out: number | readonly number[],
    input: number,
    { bias = true, ...options }: LinearOptions = {},
  ): Linear {
    const names = (suffix: string): string[] => [prefixes].flat().map((prefix) => prefix + suffix);
    const has = (index: number): boolean =>
      typeof bias === 'boolean' ? bias : bias[index] === true;
    const biases = names('.bias').map((name, index) => (has(index) ? name : undefined));
    const modules = names('').map((name) => this.#names.named('inClass', name));
    const weight = this.matrix(names('.weight'), out, input, { ...options, ordered: true });
    return {
      weight,
      order: this.#orders.get(weight),
      bias: biases.some(Boolean) ? this.vector(biases, out, options.part) : undefined,
      parts: partsOf(modules, sizesOf(out, modules.length), options.transposed),
    };
  }

  /** A matrix that is never trained: as the checkpoint has it, or `values` where it has none or is new. */
  fixed(
    name: string,
    shape: readonly [rows: number, columns: number],
    values: () => Float32Array<ArrayBuffer>,
  ): Tensor {
    const own = this.#names.named('inFile', name);
    if (this.#isNew || !this.has(name)) return this.computed(own, shape, values());
    const tensor = this.#allocate({ label: own, shape, dtype: 'f32' });
    this.#fill(tensor, [this.#find(own, shape)], {}, this.constants);
    return tensor;
  }

  /** A tensor that is computed, not loaded. */
  computed(label: string, shape: readonly number[], values: ComputedValues): Tensor {
    const dtype = values instanceof Uint32Array ? 'u32' : 'f32';
    const tensor = this.#allocate({ label, shape, dtype });
    this.#computed.push([tensor, values]);
    return tensor;
  }

  /** Reads everything declared so far and puts it on the GPU. */
  async load(source: Source, options: ReadOptions): Promise<void> {
    const [{ fillWeights }, { write }] = await Promise.all([
      import('./fill.ts'),
      import('./slice-writer.ts'),
    ]);
    const scope = this.#scope;
    for (const [tensor, values] of this.#computed) write(scope?.gpu, tensor, 0, values);
    await fillWeights(source, this.wanted, { ...options, scope });
  }

  #stored(name: string, shape: readonly number[] = []): TensorEntry | undefined {
    return this.#findEntry(name, shape) ?? this.#findEntry(oldName(name), shape);
  }

  /** `name`: as the file has it. `inFile`: the shape that it has there unless it is quantised. */
  #find(name: string, wanted: readonly number[], inFile: readonly number[] = wanted): TensorEntry {
    const stored = this.#stored(this.#tied.storedAs(name), inFile);
    const entry = stored && asShaped(stored, wanted);
    const shape = entry && packedOf(entry) ? wanted : inFile;
    return expectShape(entry, shape, this.#tied.namesOf(name));
  }

  #tensor(
    entries: readonly (TensorEntry | Zeros)[],
    shape: readonly number[],
    dtype: Dtype,
    options: FillOptions,
  ): Tensor {
    const named = entries.filter(isEntry).map((entry) => entry.name);
    const [name = ''] = named;
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const columns = shape.at(-1) ?? 1;
    const pitch = pitchOf(dtype, columns);
    const label = named.join(' + ');
    const tensor = makeInParts({ label, shape, dtype, pitch }, this.#limits, this.#place);
    this.#fill(tensor, entries, options, this.slices);
    if (this.#tied.has(name)) this.#shared.set(name, tensor);
    return tensor;
  }

  /** Notes which tensors of the checkpoint, or parts of them, fill a tensor from its start on. */
  #fill(
    tensor: Tensor,
    entries: readonly (TensorEntry | Zeros)[],
    { part, transposed: swapped = false, order }: FillOptions,
    slices: WeightSlice[],
  ): void {
    const rowElements = tensor.shape.length === 1 ? 1 : tensor.size(-1);
    let first = 0;
    for (const [index, entry] of entries.entries()) {
      const storedFirst = (partOf(part, index)?.first ?? 0) * rowElements;
      const size = part ? elements(tensor.shape) / entries.length : elements(entry.shape);
      if (!isEntry(entry)) {
        first += size;
        continue;
      }
      const name = this.#tied.savedAs(entry.name);
      // What is quantised lies as its product needs it, but is called what it was before.
      const shape = swapped && packedOf(entry) ? entry.shape.toReversed() : entry.shape;
      const turned = swapped && { transposed: true };
      const whole = { name, shape, storedFirst, tensor, first, size, order, ...turned };
      const own = swapped && shape.length > 2 ? eachOf(whole) : [whole];
      this.wanted.set(entry, [...(this.wanted.get(entry) ?? []), ...own]);
      slices.push(...own);
      first += size;
    }
  }
}
