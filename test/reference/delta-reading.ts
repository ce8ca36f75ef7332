// What the gradients of the gated delta rule read of their bindings.

import { type Constants, floats, type Inputs, type Params, scalar } from './twin.ts';

/** What is read of the bindings, by what it means; where `isSize`, absolute values of it, and sums in place of differences. */
export class Reading {
  readonly size: number;
  readonly isSize: boolean;
  readonly #inputs: Inputs;
  readonly #params: Params;

  constructor(inputs: Inputs, params: Params, constants: Constants, isSize: boolean) {
    this.size = Number(constants['CHUNK']);
    this.isSize = isSize;
    this.#inputs = inputs;
    this.#params = params;
  }

  n(name: string): number {
    return scalar(this.#params, name);
  }

  /** A number of a tensor, by its place along each axis. */
  at(name: string, ...axes: readonly (readonly [index: number, length: number])[]): number {
    let place = 0;
    for (const [index, length] of axes) place = place * length + index;
    const value = floats(this.#inputs, name)[place]!;
    return this.isSize ? Math.abs(value) : value;
  }

  minus(value: number): number {
    return this.isSize ? value : -value;
  }

  /** The exponential of a number, whose own error grows with it. */
  exp(value: number): number {
    return Math.exp(value) * (this.isSize ? 1 + Math.abs(value) : 1);
  }

  gate(kind: 0 | 1, block: number, i: number): number {
    return floats(this.#inputs, 'gates')[(2 * block + kind) * this.size + i]!;
  }

  /** What stays from the beginning of a chunk to its end. */
  whole(block: number): number {
    return this.exp(this.gate(0, block, this.size - 1));
  }

  /** A column of what the scan goes by. */
  term(kind: 'u' | 'w' | 'q' | 'k', block: number, c: number, i: number): number {
    const [keys, values] = [this.n('key_size'), this.n('value_size')];
    const first = { u: 0, w: values, q: values + keys, k: values + 2 * keys }[kind];
    return this.at('terms', [block, 0], [first + c, values + 3 * keys], [i, this.size]);
  }

  score(name: 'scores' | 'd_scores', kind: 0 | 1, block: number, i: number, m: number): number {
    return this.at(name, [2 * block + kind, 0], [i, this.size], [m, this.size]);
  }

  right(block: number, c: number, i: number): number {
    const columns = this.n('value_size') + this.n('key_size');
    return this.at('d_right', [block, 0], [c, columns], [i, this.size]);
  }

  dTerm(kind: 0 | 1 | 2, block: number, m: number, i: number): number {
    return this.at('d_terms', [3 * block + kind, 0], [m, this.n('key_size')], [i, this.size]);
  }

  state(name: string, block: number, m: number, c: number): number {
    return this.at(name, [block, 0], [m, this.n('key_size')], [c, this.n('value_size')]);
  }

  value(name: string, block: number, i: number, c: number): number {
    return this.at(name, [block, 0], [i, this.size], [c, this.n('value_size')]);
  }

  /** The row of a token of a chunk of a head; undefined where there is none. */
  row(block: number, i: number): number | undefined {
    const chunks = this.n('chunks');
    const token = this.n('first') + (block % chunks) * this.size + i;
    const batch = Math.floor(block / chunks / this.n('heads'));
    return token < this.n('tokens') ? batch * this.n('tokens') + token : undefined;
  }

  head(block: number): number {
    return Math.floor(block / this.n('chunks')) % this.n('heads');
  }

  dy(block: number, i: number, c: number): number {
    const row = this.row(block, i);
    if (row === undefined) return 0;
    return this.at('dy', [row, 0], [this.head(block), this.n('heads')], [c, this.n('value_size')]);
  }

  /** Of the query, part 0, or of the key, part 1, of a token. */
  unit(part: 0 | 1, block: number, i: number, c: number): number {
    const row = this.row(block, i);
    if (row === undefined) return 0;
    const keyHeads = this.n('key_heads');
    const head = Math.floor(this.head(block) / (this.n('heads') / keyHeads));
    return this.at('qk', [2 * row + part, 0], [head, keyHeads], [c, this.n('key_size')]);
  }
}
