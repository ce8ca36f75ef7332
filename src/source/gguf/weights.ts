// The tensors of a GGUF file as a file in safetensors has them: under the names of Hugging Face's classes, one behind
// the other. Blocks are rows of bytes there, in tensors named by their type: `….q_proj.q4_k`.

import { show } from '../../runtime/print.ts';
import { readRange, type FileRange, type Source } from '../source.ts';
import { architectureOf, type GgufArchitecture, moduleName } from './architectures.ts';
import type { GgufHeader, GgufTensor } from './header.ts';
import { blockTypes, plainTypes } from './types.ts';

/** What config.json says, not the weights. */
export const rotaryTensor = 'rope_freqs.weight';

/** A tensor, where it lies in the file that is shown. */
interface Shown {
  readonly tensor: GgufTensor;
  readonly start: number;
  readonly end: number;
  /** Bytes that are read together, as `change` has to have them. */
  readonly unit: number;
  readonly change?: (unit: Uint8Array) => Uint8Array;
}

export class ShownWeights {
  readonly #header: Uint8Array;
  readonly #tensors: readonly Shown[];

  /** @throws TransformerError MODEL_UNSUPPORTED, FILE_INVALID */
  constructor(gguf: GgufHeader) {
    const architecture = architectureOf(gguf);
    const entries: Record<string, unknown> = {};
    const shown: Shown[] = [];
    let end = 0;
    for (const tensor of gguf.tensors) {
      if (tensor.name === rotaryTensor) continue;
      const start = end;
      end += tensor.end - tensor.start;
      const name = shownName(architecture, tensor);
      if (Object.hasOwn(entries, name)) {
        throw gguf.metadata.invalid(`There are two tensors ${show(name)}`);
      }
      entries[name] = { ...storedAs(tensor), data_offsets: [start, end] };
      shown.push({ tensor, start, end, ...changeOf(gguf, architecture, tensor) });
    }
    const json = new TextEncoder().encode(JSON.stringify(entries));
    const header = new Uint8Array(8 + json.length);
    new DataView(header.buffer).setBigUint64(0, BigInt(json.length), true);
    header.set(json, 8);
    const from = header.length;
    this.#header = header;
    this.#tensors = shown.map((one) => ({ ...one, start: from + one.start, end: from + one.end }));
  }

  get size(): number {
    return this.#tensors.at(-1)?.end ?? this.#header.length;
  }

  /** The bytes of a range. Errors as of `readRange`. */
  async read(
    source: Source,
    file: string,
    range: FileRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { start, end } = { start: range.start, end: Math.min(range.end, this.size) };
    const result = new Uint8Array(Math.max(0, end - start));
    result.set(this.#header.subarray(start, end));
    const wanted = this.#tensors
      .filter((one) => one.start < end && one.end > start)
      .map((one) => ({ one, part: wholeUnits(one, { start, end }) }));
    const [first, last] = [wanted[0], wanted.at(-1)];
    if (first === undefined || last === undefined) return result;
    // Between tensors is little (see header.ts), which is read with them.
    const from = first.one.tensor.start + first.part.start;
    const to = last.one.tensor.start + last.part.end;
    const bytes = await readRange(source, file, { start: from, end: to }, signal);
    for (const { one, part } of wanted) {
      const own = bytes.subarray(
        one.tensor.start + part.start - from,
        one.tensor.start + part.end - from,
      );
      const changed = changedUnits(one, own);
      const at = one.start + part.start - start;
      const inside = changed.subarray(Math.max(0, -at), Math.max(0, end - start - at));
      result.set(inside, Math.max(0, at));
    }
    return result;
  }
}

function shownName(architecture: GgufArchitecture, { name, type }: GgufTensor): string {
  const [, module = name, end = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const shown = moduleName(architecture, module) ?? module;
  const block = blockTypes[type];
  if (block !== undefined && end === 'weight') return `${shown}.${block.name}`;
  return end === '' ? name : `${shown}.${end}`;
}

function storedAs({ type, shape }: GgufTensor): { dtype: string; shape: readonly number[] } {
  const block = blockTypes[type];
  if (block === undefined) return { dtype: plainTypes[type] ?? '', shape };
  const bytes = ((shape.at(-1) ?? 0) / block.elements) * block.bytes;
  return { dtype: 'U8', shape: [...shape.slice(0, -1), bytes] };
}

/** What llama.cpp has done to a tensor that is to be undone. */
function changeOf(
  { metadata }: GgufHeader,
  { interleaved, wholeNorms }: GgufArchitecture,
  tensor: GgufTensor,
): Pick<Shown, 'unit' | 'change'> {
  const { name, type, shape, start, end } = tensor;
  const part = /\.attn_([qk])\.(weight|bias)$/.exec(name)?.[1];
  if (interleaved === true && part !== undefined) {
    const key = `${metadata.text('general.architecture')}.attention.head_count`;
    const all = metadata.number(key) ?? 1;
    const heads = part === 'q' ? all : metadata.number(`${key}_kv`, all);
    const [rows = 0] = shape;
    if (!(heads > 0) || rows % (2 * heads) !== 0) {
      throw metadata.invalid(`Tensor ${show(name)} has ${rows} rows, which are no ${heads} heads`);
    }
    const row = (end - start) / rows;
    return { unit: (rows / heads) * row, change: (head) => inHalves(head, row) };
  }
  if (wholeNorms === true && name.endsWith('norm.weight')) {
    if (type !== 0) throw metadata.invalid(`Tensor ${show(name)} is no F32, as norms are`);
    return { unit: 4, change: withoutOne };
  }
  return { unit: 1 };
}

/** The rows of a head with those of its first half first: they lie in pairs, one of each half. */
function inHalves(head: Uint8Array, row: number): Uint8Array {
  const result = new Uint8Array(head.length);
  const half = head.length / row / 2;
  for (let i = 0; i < half; i++) {
    result.set(head.subarray(2 * i * row, (2 * i + 1) * row), i * row);
    result.set(head.subarray((2 * i + 1) * row, (2 * i + 2) * row), (half + i) * row);
  }
  return result;
}

function withoutOne(number: Uint8Array): Uint8Array {
  const result = number.slice();
  const view = new DataView(result.buffer);
  view.setFloat32(0, view.getFloat32(0, true) - 1, true);
  return result;
}

/** The part of a tensor that a range has, in whole units, from the tensor's start. */
function wholeUnits({ start, end, unit }: Shown, range: FileRange): FileRange {
  const first = Math.max(0, range.start - start);
  const last = Math.min(end, range.end) - start;
  return { start: Math.floor(first / unit) * unit, end: Math.ceil(last / unit) * unit };
}

function changedUnits({ unit, change }: Shown, bytes: Uint8Array): Uint8Array {
  if (change === undefined) return bytes;
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += unit) {
    result.set(change(bytes.subarray(at, at + unit)), at);
  }
  return result;
}
