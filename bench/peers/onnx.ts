// ONNX graphs of the cases: operations append nodes, and their values are names.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

import { normEps, type Operations } from './models.ts';
import { Message } from './protobuf.ts';
import type { Work } from './work.ts';

/** `fused`: with ONNX Runtime's own MultiHeadAttention; else of ONNX's operators alone. */
export type Style = 'plain' | 'fused';

const elementTypes = { float: 1, int64: 7 };
const attributeTypes = { float: 1, integer: 2, text: 3, integers: 7 };
type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** The file of a model whose results are named 0, 1, … */
export function onnxModel({ inputs, weights, compute }: Work, style: Style): Uint8Array {
  const graph = new Graph(style);
  const values = Object.fromEntries([
    ...Object.entries(inputs).map(([name, { shape }]) => [name, graph.input(name, shape)]),
    ...Object.entries(weights).map(([name, { shape, data }]) => {
      return [name, graph.constant(name, shape, data)];
    }),
  ]) as Record<string, string>;
  return graph.encoded(compute(graph, values));
}

class Graph implements Operations<string> {
  readonly #style: Style;
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #columns = new Map<string, number>();
  readonly #lists = new Map<string, string>();
  #values = 0;

  constructor(style: Style) {
    this.#style = style;
  }

  input(name: string, shape: readonly number[]): string {
    this.#inputs.push(described(name, shape));
    this.#columns.set(name, shape.at(-1) ?? 1);
    return name;
  }

  constant(name: string, shape: readonly number[], data: Float32Array | BigInt64Array): string {
    const type = data instanceof BigInt64Array ? elementTypes.int64 : elementTypes.float;
    const tensor = new Message();
    for (const size of shape) tensor.integer(1, size);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.push(tensor.integer(2, type).text(8, name).bytes(9, bytes));
    this.#columns.set(name, shape.at(-1) ?? 1);
    return name;
  }

  encoded(outputs: readonly string[]): Uint8Array {
    outputs.forEach((value, i) => this.#node('Identity', [value], {}, { names: [String(i)] }));
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, 'case');
    for (const constant of this.#constants) graph.message(5, constant);
    for (const input of this.#inputs) graph.message(11, input);
    outputs.forEach((_, i) => graph.message(12, described(String(i))));
    const version = (domain: string, number: number): Message =>
      new Message().text(1, domain).integer(2, number);
    return new Message()
      .integer(1, 9)
      .message(7, graph)
      .message(8, version('', 20))
      .message(8, version('com.microsoft', 1))
      .encoded();
  }

  matmul(a: string, b: string): string {
    return this.#sized(this.#op('MatMul', [a, b]), this.#columns.get(b));
  }

  add(a: string, b: string): string {
    return this.#sized(this.#op('Add', [a, b]), this.#columns.get(a));
  }

  gelu(x: string, form: 'erf' | 'tanh'): string {
    const [value = ''] = this.#node(
      'Gelu',
      [x],
      {},
      { texts: { approximate: form === 'erf' ? 'none' : form } },
    );
    return this.#sized(value, this.#columns.get(x));
  }

  layerNorm(x: string, weight: string, bias: string): string {
    const [value = ''] = this.#node(
      'LayerNormalization',
      [x, weight, bias],
      { axis: 1 },
      { floats: { epsilon: normEps } },
    );
    return this.#sized(value, this.#columns.get(x));
  }

  softmax(x: string): string {
    return this.#op('Softmax', [x], { axis: 1 });
  }

  split(x: string, parts: number): string[] {
    const names = Array.from({ length: parts }, () => this.#name());
    this.#node('Split', [x], { axis: 1, num_outputs: parts }, { names });
    return names.map((name) => this.#sized(name, (this.#columns.get(x) ?? 0) / parts));
  }

  above(a: string, b: string): string {
    return this.#sized(this.#op('Concat', [a, b], { axis: 0 }), this.#columns.get(a));
  }

  attention(
    q: string,
    k: string,
    v: string,
    { heads, causal }: { heads: number; causal: boolean },
  ): string {
    const width = this.#columns.get(q) ?? 0;
    const rows = this.#list([-1, width]);
    if (this.#style === 'fused') {
      const batched = [q, k, v].map((x) => this.#op('Reshape', [x, this.#list([1, -1, width])]));
      // Without a bias, and without padding of keys.
      const mask = causal
        ? ['', '', this.#op('Unsqueeze', [this.#mask(q), this.#list([0, 1])])]
        : [];
      const [mixed = ''] = this.#node(
        'MultiHeadAttention',
        [...batched, ...mask],
        { num_heads: heads },
        { domain: 'com.microsoft' },
      );
      return this.#sized(this.#op('Reshape', [mixed, rows]), width);
    }
    const apart = this.#list([-1, heads, width / heads]);
    const turned = (x: string, perm: readonly number[]): string =>
      this.#op('Transpose', [this.#op('Reshape', [x, apart])], { perm });
    const scale = this.constant(this.#name(), [], Float32Array.of((width / heads) ** -0.5));
    let scores = this.#op('MatMul', [turned(q, [1, 0, 2]), turned(k, [1, 2, 0])]);
    scores = this.#op('Mul', [scores, scale]);
    if (causal) scores = this.#op('Add', [scores, this.#mask(q)]);
    const mixed = this.#op('MatMul', [
      this.#op('Softmax', [scores], { axis: 2 }),
      turned(v, [1, 0, 2]),
    ]);
    return this.#sized(
      this.#op('Reshape', [this.#op('Transpose', [mixed], { perm: [1, 0, 2] }), rows]),
      width,
    );
  }

  /** Hides from each query the keys after its own; folded into a constant before the first run. */
  #mask(q: string): string {
    const length = this.#op('Shape', [q], { end: 1 });
    const square = this.#op('Concat', [length, length], { axis: 0 });
    const hidden = this.constant(this.#name(), [1], Float32Array.of(-1e9));
    return this.#op('Trilu', [this.#op('Expand', [hidden, square]), this.#list(1)], { upper: 1 });
  }

  #sized(value: string, columns: number | undefined): string {
    this.#columns.set(value, columns ?? 0);
    return value;
  }

  /** A constant of whole numbers: a list of them, or one. */
  #list(numbers: readonly number[] | number): string {
    const key = JSON.stringify(numbers);
    const all = [numbers].flat();
    const shape = typeof numbers === 'number' ? [] : [all.length];
    const known =
      this.#lists.get(key) ?? this.constant(this.#name(), shape, BigInt64Array.from(all, BigInt));
    this.#lists.set(key, known);
    return known;
  }

  #name(): string {
    return `v${this.#values++}`;
  }

  #op(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const [value = ''] = this.#node(type, inputs, attributes);
    return value;
  }

  #node(
    type: string,
    inputs: readonly string[],
    attributes: Attributes,
    more: {
      names?: readonly string[];
      domain?: string;
      floats?: Readonly<Record<string, number>>;
      texts?: Readonly<Record<string, string>>;
    } = {},
  ): readonly string[] {
    const { names = [this.#name()], domain, floats = {}, texts = {} } = more;
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    for (const name of names) node.text(2, name);
    node.text(3, `${type} ${this.#nodes.length}`).text(4, type);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new Message().text(1, name);
      if (typeof value === 'number')
        attribute.integer(3, value).integer(20, attributeTypes.integer);
      else {
        for (const each of value) attribute.integer(8, each);
        attribute.integer(20, attributeTypes.integers);
      }
      node.message(5, attribute);
    }
    for (const [name, value] of Object.entries(floats)) {
      node.message(
        5,
        new Message().text(1, name).float(2, value).integer(20, attributeTypes.float),
      );
    }
    for (const [name, value] of Object.entries(texts)) {
      node.message(5, new Message().text(1, name).text(4, value).integer(20, attributeTypes.text));
    }
    if (domain !== undefined) node.text(7, domain);
    this.#nodes.push(node);
    return names;
  }
}

/** What an input or an output is: of any shape where none is given. */
function described(name: string, shape?: readonly number[]): Message {
  const type = new Message().integer(1, elementTypes.float);
  if (shape !== undefined) {
    const sizes = new Message();
    for (const size of shape) sizes.message(1, new Message().integer(1, size));
    type.message(2, sizes);
  }
  return new Message().text(1, name).message(2, new Message().message(1, type));
}
