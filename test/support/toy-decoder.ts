// A decoder without layers, for tests of generation: its logits are sums of table rows, one for each
// token before, picked by token and distance; one for the position; one for the source. It keeps
// tokens in a cache and finds them through a block table, as real decoders do with keys and values.

import type { Gpu } from 'webgpu-transformer';
import type { Beginning, Prompt } from '../../src/model/generation/prompt.ts';
import type { DecodingModel } from '../../src/model/generation/request.ts';
import {
  type DecodeSession,
  type DecodeState,
  type SessionShape,
  writeState,
} from '../../src/model/generation/session.ts';
import { kernel } from '../../src/runtime/kernel.ts';
import type { Plan } from '../../src/runtime/plan.ts';
import type { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { Random } from './random.ts';

const tableRows = 29;
/** What a token weighs less for each token behind it. */
const fade = 0.75;

/** The table row for a token some places before the next one. */
const rowOf = (token: number, distance: number): number => (token * 7 + distance * 3) % tableRows;

const text = `// The logits of a toy decoder.
struct Params { rows: u32, capacity: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> place: array<u32>;
@group(0) @binding(4) var<storage, read> slots: array<u32>;
@group(0) @binding(5) var<storage, read> source: array<u32>;
@group(0) @binding(6) var<storage, read> cache: array<u32>;
@group(0) @binding(7) var<storage, read_write> logits: array<f32>;
@compute @workgroup_size(64)
fn toy(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / params.columns;
  let column = id.x % params.columns;
  if (row >= params.rows) { return; }
  let slot = place[2u * row + 1u];
  var weight = 1.0;
  var sum = 0.0;
  for (var back = 0u; back <= slot; back++) {
    let at = slot - back;
    let from_slot = slots[row * params.capacity + at];
    if (from_slot != 0xffffffffu) {
      let token = select(cache[from_slot], tokens[row], back == 0u);
      sum += weight * table[(token * 7u + back * 3u) % ${tableRows}u * params.columns + column];
    }
    weight *= ${fade};
  }
  sum += table[(place[2u * row] + 5u) % ${tableRows}u * params.columns + column];
  sum += table[(source[row] + 11u) % ${tableRows}u * params.columns + column];
  logits[id.x] = sum;
}`;

const rememberText = `// The fed tokens join the cache.
struct Params { rows: u32, capacity: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> place: array<u32>;
@group(0) @binding(3) var<storage, read> slots: array<u32>;
@group(0) @binding(4) var<storage, read_write> cache: array<u32>;
@compute @workgroup_size(64)
fn toy_remember(@builtin(global_invocation_id) id: vec3u) {
  let at = place[2u * id.x + 1u];
  if (id.x < params.rows && at < params.capacity) {
    cache[slots[id.x * params.capacity + at]] = tokens[id.x];
  }
}`;

const toyKernel = kernel({
  name: 'toy',
  code: [{ file: 'toy', text }],
  bindings: {
    table: 'read',
    tokens: 'read',
    place: 'read',
    slots: 'read',
    source: 'read',
    cache: 'read',
    logits: 'write',
  },
  params: { rows: 'u32', capacity: 'u32', columns: 'u32' },
});

const rememberKernel = kernel({
  name: 'toy-remember',
  code: [{ file: 'toy-remember', text: rememberText }],
  bindings: { tokens: 'read', place: 'read', slots: 'read', cache: 'write' },
  params: { rows: 'u32', capacity: 'u32' },
});

export interface ToyOptions {
  readonly seed: number;
  readonly vocabulary: number;
  readonly maxPositions?: number;
  /** How far logits lie apart. */
  readonly scale?: number;
  readonly generation?: Readonly<Record<string, unknown>>;
}

/** The number that a source adds its table row by. */
const sourceNumber = (source: readonly number[], mask: readonly number[]): number =>
  source.reduce((sum, token, i) => sum + token * mask[i]!, 0);

export class ToyDecoder implements DecodingModel {
  readonly gpu: Gpu;
  readonly scope: Scope;
  readonly config = {};
  readonly steadyLength: number = Infinity;
  readonly stage = undefined;
  readonly generation: Record<string, unknown>;
  readonly vocabulary: number;
  readonly maxPositions: number;
  /** Sessions that were made. */
  readonly shapes: SessionShape[] = [];
  readonly #table: Float32Array<ArrayBuffer>;

  constructor(gpu: Gpu, options: ToyOptions) {
    const { seed, vocabulary, maxPositions = Infinity, scale = 1, generation = {} } = options;
    this.gpu = gpu;
    this.scope = new Scope(gpu);
    this.vocabulary = vocabulary;
    this.maxPositions = maxPositions;
    this.generation = { ...generation };
    this.#table = new Random(seed).values(tableRows * vocabulary, { outliers: 0, scale });
  }

  /** Logits of the token behind these, in float64. */
  logits(tokens: readonly number[], mask: readonly number[], source = 0): number[] {
    const position = mask.reduce((sum, one) => sum + one, 0) - 1;
    const at = (row: number, column: number): number =>
      this.#table[(row % tableRows) * this.vocabulary + column]!;
    return Array.from({ length: this.vocabulary }, (_, column) => {
      let sum = at(position + 5, column) + at(source + 11, column);
      tokens.forEach((token, i) => {
        const back = tokens.length - 1 - i;
        if (mask[i] === 1) sum += fade ** back * at(rowOf(token, back), column);
      });
      return sum;
    });
  }

  read(): never {
    throw new Error('a toy takes prompts as they are');
  }

  forward(): Promise<never> {
    throw new Error('a toy shows nothing of itself');
  }

  /** The number of the source of each input. */
  sources({ source, tokens }: Prompt): number[] {
    if (source === undefined) return tokens.rows.map(() => 0);
    return source.ids!.rows.map((row, i) => sourceNumber(row, source.mask.rows[i]!));
  }

  createSession(shape: SessionShape): Promise<DecodeSession> {
    this.shapes.push(shape);
    return Promise.resolve(new ToySession(this, shape, this.#table));
  }
}

class ToySession implements DecodeSession {
  readonly shape: SessionShape;
  readonly vocabulary: number;
  readonly #data: Float32Array<ArrayBuffer>;
  #tensors: { table: Tensor; cache: Tensor; source: Tensor } | undefined;

  constructor(decoder: ToyDecoder, shape: SessionShape, table: Float32Array<ArrayBuffer>) {
    this.shape = shape;
    this.vocabulary = decoder.vocabulary;
    this.#data = table;
  }

  recordStep(recording: Recording, { tokens, place, table: slots }: DecodeState): Tensor {
    const { rows, capacity } = this.shape;
    const columns = this.vocabulary;
    const table = recording.persistent('table', [tableRows, columns]);
    const cache = recording.persistent('cache', [rows * capacity], 'u32');
    const source = recording.persistent('source', [rows], 'u32');
    this.#tensors = { table, cache, source };
    recording.dispatch({
      kernel: rememberKernel,
      bindings: { tokens, place, slots, cache },
      params: { rows, capacity },
      workgroups: Math.ceil(rows / 64),
    });
    const logits = recording.transient('logits', [rows, 1, columns]);
    recording.dispatch({
      kernel: toyKernel,
      bindings: { table, tokens, place, slots, source, cache, logits },
      params: { rows, capacity, columns },
      workgroups: Math.ceil((rows * columns) / 64),
    });
    return logits;
  }

  start(beginning: Beginning, state: DecodeState, plan: Plan): Promise<void> {
    const { prompts, sources, sourceOf } = beginning;
    const { table, cache, source } = this.#tensors!;
    const { capacity, rows } = this.shape;
    const tokens = new Uint32Array(rows * capacity).fill(12345);
    prompts.forEach(({ ids }, i) => {
      ids.slice(0, -1).forEach((id, place) => (tokens[place * rows + i] = id));
    });
    writeState(prompts, state, plan);
    plan.write(table, this.#data);
    plan.write(cache, tokens);
    const all = sources.flatMap(({ ids, mask }) =>
      ids!.rows.map((row, i) => sourceNumber(row, mask.rows[i]!)),
    );
    const numbers = sourceOf.map((one) => all[one] ?? 0);
    plan.write(source, Uint32Array.from(numbers));
    return Promise.resolve();
  }

  dispose(): void {
    this.#tensors = undefined;
  }
}
