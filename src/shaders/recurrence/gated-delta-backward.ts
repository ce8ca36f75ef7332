// The gradient of the gated delta rule, chunk by chunk (Yang et al., arXiv 2406.06484, §3; the gates of arXiv 2412.06464, §3.3).
// What chunks went by is computed again, with the state before each of them; no state of a token is kept.

import { once } from '../../runtime/gradient.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { rowForm } from '../rows/row-kernel.ts';
import type { Rule } from '../traces.ts';
import {
  decaysKernel,
  gatesKernel,
  keysKernel,
  scanKernel,
  scoresKernel,
  solveKernel,
  statesKernel,
  termsKernel,
  unitForms,
} from './gated-delta-kernels-backward.ts';
import { chunkSize } from './gated-delta-kernels.ts';
import {
  chunkTerms,
  type GatedDeltaEntry,
  type GatedDeltaOptions,
  type Piece,
  piecesOf,
} from './gated-delta.ts';
import { unitEps, unitHeads } from './unit-heads.ts';

const constants = { CHUNK: chunkSize };

/** Gradients of queries, keys and values, of the gates, and of their rates. */
export const gatedDeltaBackward: Rule<GatedDeltaEntry> = ({ trace: { x, options } }, dy) => {
  const { gates, rates } = options;
  const all = once(() => new DeltaBackward(x, options, dy).record());
  return [
    [x, () => all().dx],
    [gates.tensor, () => all().dGates],
    [rates, () => columnSum(all().dRates, `d ${rates.label}`, rates.shape)],
  ];
};

/** What a piece of chunks went by. */
interface Known extends ReturnType<typeof chunkTerms> {
  readonly piece: Piece;
  /** Before each chunk. */
  readonly states: Tensor;
  /** What its tokens learned. */
  readonly values: Tensor;
}

class DeltaBackward {
  readonly #x: Tensor;
  readonly #options: GatedDeltaOptions;
  readonly #dy: Tensor;
  readonly #qk: Tensor;
  readonly #results: Record<'dx' | 'dQk' | 'dGates' | 'dRates', Tensor>;
  readonly #batches: number;
  readonly #sizes: Record<'tokens' | 'heads' | 'key_size' | 'value_size', number>;

  constructor(x: Tensor, options: GatedDeltaOptions, dy: Tensor) {
    const { heads, keyHeads, keySize, valueSize, gates } = options;
    const { recording } = dy;
    const [batches, tokens] = [x.size(0), x.size(1)];
    this.#x = x;
    this.#options = options;
    this.#dy = dy;
    this.#qk = unitHeads(x, { heads: keyHeads, size: keySize });
    this.#batches = batches;
    this.#sizes = { tokens, heads, key_size: keySize, value_size: valueSize };
    this.#results = {
      dx: recording.transient(`d ${x.label}`, x.shape),
      dQk: recording.transient('d queries and keys', this.#qk.shape),
      dGates: recording.transient(`d ${gates.tensor.label}`, gates.tensor.shape),
      dRates: recording.transient('d rates, by tokens', [batches, tokens, 2 * heads]),
    };
  }

  record(): Record<'dx' | 'dGates' | 'dRates', Tensor> {
    const { keyHeads, keySize, valueSize, heads } = this.#options;
    const { recording } = this.#dy;
    const width = heads * keySize * valueSize;
    const [carry, dCarry] = ['states', 'd states'].map((label) =>
      recording.transient(label, [this.#batches, width]),
    ) as [Tensor, Tensor];
    // Turns of the loops of an invocation that goes through a chunk.
    const fours = chunkSize / 4;
    const turns = 2 * keySize * (fours + 1) + chunkSize * (fours + 2);
    const terms = Math.max((valueSize + 3 * keySize) * chunkSize, keySize * valueSize);
    const pieces = piecesOf(this.#x, { terms: heads * terms, turns });
    const known = pieces.map((piece, index) => this.#again(piece, carry, index === 0));
    for (const [index, one] of known.toReversed().entries()) this.#back(one, dCarry, index === 0);
    const { dx, dQk, dGates, dRates } = this.#results;
    const rows = this.#batches * this.#x.size(1) * 2 * keyHeads;
    recording.dispatch({
      ...rowForm(unitForms, recording.gpu, rows),
      bindings: { x: this.#x, dy: dQk, dx },
      params: {
        rows,
        heads: keyHeads,
        head_size: keySize,
        pitch: this.#x.size(-1),
        eps: unitEps,
        scale: keySize ** -0.5,
      },
      parts: ['dx'],
    });
    return { dx, dGates, dRates };
  }

  /** What the chunks of a piece went by, once more; `carry` holds the state before it, then that behind it. */
  #again(piece: Piece, carry: Tensor, BEGINS: boolean): Known {
    const { heads, keySize, valueSize } = this.#options;
    const { recording } = this.#dy;
    const parts = chunkTerms(this.#x, this.#qk, this.#options, piece);
    const { chunks } = piece;
    const blocks = this.#batches * heads * chunks;
    const states = recording.transient('states of chunks', [blocks, keySize, valueSize]);
    const values = recording.transient('what chunks learned', [blocks, chunkSize, valueSize]);
    const { key_size, value_size } = this.#sizes;
    recording.dispatch({
      kernel: statesKernel,
      bindings: { terms: parts.terms, gates: parts.gates, carry, states, values },
      params: { batches: this.#batches, heads, key_size, value_size, chunks },
      constants: { ...constants, BEGINS },
      workgroups: Math.ceil((this.#batches * heads * valueSize) / 64),
      parts: ['carry'],
    });
    return { ...parts, piece, states, values };
  }

  /** The gradients of a piece; `carry` holds that of the state behind it, then that of the one before it. */
  #back(known: Known, carry: Tensor, ENDS: boolean): void {
    const { heads, keyHeads, keySize, valueSize, gates: given, rates } = this.#options;
    const { recording } = this.#dy;
    const [x, dy, qk] = [this.#x, this.#dy, this.#qk];
    const { dx, dQk: d_qk, dGates, dRates } = this.#results;
    const { piece, terms, scores, gates, states, values } = known;
    const { chunks, first } = piece;
    const blocks = this.#batches * heads * chunks;
    const sizes = { ...this.#sizes, chunks, first };
    const make = (label: string, ...shape: number[]): Tensor =>
      recording.transient(label, [blocks, ...shape]);
    const [d_states, d_values] = [
      make('d states of chunks', keySize, valueSize),
      make('d what chunks learned', chunkSize, valueSize),
    ];
    recording.dispatch({
      kernel: scanKernel,
      bindings: { terms, scores, gates, dy, carry, d_states, d_values },
      params: { ...sizes, batches: this.#batches },
      constants: { ...constants, ENDS },
      workgroups: Math.ceil((this.#batches * heads * valueSize) / 64),
      parts: ['carry'],
    });
    const d_terms = make('d delta terms', 3, keySize, chunkSize);
    const d_stays = make('d what stays', keySize);
    const each = blocks * keySize * chunkSize;
    recording.dispatch({
      kernel: termsKernel,
      bindings: { dy, states, d_states, values, d_values, d_terms, d_stays },
      params: { ...sizes, size: each },
      constants,
      workgroups: Math.ceil(each / 64),
    });
    const d_right = make('d right sides', valueSize + keySize, chunkSize);
    const place = { pitch: x.size(-1), column: 2 * keyHeads * keySize };
    recording.dispatch({
      kernel: solveKernel,
      bindings: { gates, scores, d_values, d_terms, d_right, dx },
      params: { ...sizes, ...place, blocks },
      constants,
      workgroups: Math.ceil((blocks * (valueSize + keySize)) / 64),
      parts: ['dx'],
    });
    const d_scores = make('d delta scores', 2, chunkSize, chunkSize);
    const pairs = blocks * chunkSize * chunkSize;
    recording.dispatch({
      kernel: scoresKernel,
      bindings: { terms, values, dy, d_right, d_scores },
      params: { ...sizes, size: pairs },
      constants,
      workgroups: Math.ceil(pairs / 64),
    });
    const own = Math.min(chunks * chunkSize, sizes.tokens - first);
    const tokens = { batches: this.#batches, own };
    recording.dispatch({
      kernel: keysKernel,
      bindings: { qk, gates, d_terms, d_right, d_scores, d_qk },
      params: { ...sizes, ...tokens, key_heads: keyHeads },
      constants,
      workgroups: Math.ceil((this.#batches * own * 2 * keyHeads * keySize) / 64),
      parts: ['d_qk'],
    });
    const d_gates = make('d delta gates', 3, chunkSize);
    recording.dispatch({
      kernel: decaysKernel,
      bindings: { qk, x, gates, scores, d_terms, d_right, d_scores, d_gates },
      params: { ...sizes, ...place, key_heads: keyHeads, rows: blocks * chunkSize },
      constants,
      workgroups: Math.ceil((blocks * chunkSize) / 64),
    });
    const { tensor, start: column } = given;
    const { value_size: _none, ...others } = sizes;
    recording.dispatch({
      kernel: gatesKernel,
      bindings: { x: tensor, weight: rates, gates, d_gates, d_stays, dx: dGates, d_rates: dRates },
      params: { ...others, ...tokens, pitch: tensor.size(-1), column },
      constants,
      workgroups: Math.ceil((this.#batches * own * tensor.size(-1)) / 64),
      parts: ['dx', 'd_rates'],
    });
  }
}
