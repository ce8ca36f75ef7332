// "Gated Delta Networks" (Yang et al., 2024, arXiv 2412.06464): a state that forgets, and learns what it does not know. The
// tokens of a prompt are computed in chunks (§3.3; Yang et al., arXiv 2406.06484, §3), the next one by itself.

import { TransformerError } from '../../runtime/errors.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import {
  chunkSize,
  gatesKernel,
  scanKernel,
  scoresKernel,
  solveKernel,
  stepKernel,
} from './gated-delta-kernels.ts';
import type { Traced } from '../traces.ts';
import { memorySizes, memoryTable, type TokenMemory } from './token-memory.ts';
import { unitEps, unitHeads } from './unit-heads.ts';

export interface DeltaHeads {
  /** Heads of values, with a state each, of (keySize, valueSize). */
  readonly heads: number;
  /** Heads of queries and of keys, which neighbours share. */
  readonly keyHeads: number;
  readonly keySize: number;
  readonly valueSize: number;
}

export interface GatedDeltaOptions extends DeltaHeads {
  /** (B, T, …): from a column on, for each head how much it learns, before the sigmoid; then how much it forgets. */
  readonly gates: { readonly tensor: Tensor; readonly start: number };
  /** (2 · heads): what is added to the latter, and the logarithm of its factor. */
  readonly rates: Tensor;
}

export type GatedDeltaEntry = Traced<
  'gated-delta',
  { readonly x: Tensor; readonly options: GatedDeltaOptions }
>;

/** Tokens whose states are kept: a step reads that of the one before. */
const places = 2;

/** Numbers that are kept of a sequence. */
export function deltaWidth({ heads, keySize, valueSize }: DeltaHeads): number {
  return places * heads * keySize * valueSize;
}

/** Numbers of what a scan goes by at once, and turns of loops of an invocation, see row-kernel.ts. */
const mostTerms = 2 ** 24;
const mostTurns = 50_000;

/**
 * S ← α S + β k (v - α Sᵀk)ᵀ, y = Sᵀq for each head, with queries and keys of unit length, queries over √keySize,
 * β = sigmoid(b), α = exp(-exp(A) · softplus(a + bias)). x: (B, T, queries, keys, values). Result:
 * (B, T, heads · valueSize). With a memory the tokens go on from the states that it holds, and leave theirs there.
 * @throws TransformerError TENSOR_MISMATCH when sizes do not fit together
 */
export function gatedDelta(x: Tensor, options: GatedDeltaOptions, memory?: TokenMemory): Tensor {
  const { heads, keyHeads, keySize, valueSize, gates, rates } = options;
  const { recording } = x;
  const columns = 2 * keyHeads * keySize + heads * valueSize;
  if (x.size(-1) !== columns || heads % keyHeads !== 0 || rates.size(0) !== 2 * heads) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `gatedDelta: ${x.describe()} with ${rates.describe()}; wanted ${columns} columns for ${heads} heads ` +
        `of ${valueSize} and 2 · ${keyHeads} of ${keySize}, and ${2 * heads} rates.`,
    );
  }
  const y = recording.transient('delta rule', [x.size(0), x.size(1), heads * valueSize]);
  const width = heads * keySize * valueSize;
  if (memory !== undefined && x.size(1) === 1) {
    const { cache, place } = memory;
    const { table, OWNED } = memoryTable(memory);
    recording.dispatch({
      kernel: stepKernel,
      bindings: { qkv: x, x: gates.tensor, weight: rates, place, table, cache, y },
      params: {
        ...memorySizes(x.shape, memory, { places, width }),
        heads,
        key_heads: keyHeads,
        key_size: keySize,
        value_size: valueSize,
        pitch: gates.tensor.size(-1),
        column: gates.start,
        eps: unitEps,
        scale: keySize ** -0.5,
      },
      constants: { OWNED },
      workgroups: Math.ceil((x.size(0) * heads * valueSize) / 64),
    });
  } else {
    inChunks(x, y, options, memory);
  }
  if (memory === undefined) {
    // What memories hold is computed with, not trained.
    recording.differentiate({
      op: 'gated-delta',
      output: y,
      inputs: [x, gates.tensor, rates],
      trace: { x, options },
    } satisfies GatedDeltaEntry);
  }
  return y;
}

/** The tokens in chunks, as many at once as memory and loops allow; the state goes from piece to piece. */
function inChunks(
  x: Tensor,
  y: Tensor,
  options: GatedDeltaOptions,
  memory: TokenMemory | undefined,
): void {
  const { heads, keyHeads, keySize, valueSize } = options;
  const { recording } = x;
  const [batches, tokens] = [x.size(0), x.size(1)];
  const qk = unitHeads(x, { heads: keyHeads, size: keySize });
  const width = heads * keySize * valueSize;
  const own = (): Tensor => recording.transient('states', [batches, width]);
  const { cache = own(), place } = memory ?? {};
  const { table, OWNED } = memoryTable(memory);
  const isCached = memory !== undefined;
  const sizes = isCached
    ? memorySizes(x.shape, memory, { places, width })
    : memorySizes(x.shape, undefined, { places: 1, width });
  const pieces = piecesOf(x, {
    terms: heads * (valueSize + 3 * keySize) * chunkSize,
    turns: (chunkSize / 2) * keySize + chunkSize * (chunkSize / 4 + 3),
    others: keySize + (isCached ? tokens : 0),
  });
  for (const { chunks, first } of pieces) {
    const parts = chunkTerms(x, qk, options, { chunks, first, place, capacity: sizes.capacity });
    recording.dispatch({
      kernel: scanKernel,
      bindings: { ...parts, place, table, cache, y },
      params: {
        ...sizes,
        heads,
        key_size: keySize,
        value_size: valueSize,
        chunks,
        first,
      },
      constants: { CHUNK: chunkSize, CACHED: isCached, BEGINS: first === 0, OWNED },
      workgroups: Math.ceil((batches * heads * valueSize) / 64),
      // Pieces write one after the other.
      parts: ['cache', 'y'],
    });
  }
}

/** Chunks that are computed at once. */
export interface Piece {
  readonly chunks: number;
  /** Its first token. */
  readonly first: number;
}

/**
 * The tokens of x, (B, T, …), in pieces of as many chunks as memory and loops allow. `terms`: numbers of a chunk of a
 * sequence; `turns`: those of the loops of an invocation for each, and `others` besides.
 */
export function piecesOf(
  x: Tensor,
  { terms, turns, others = 0 }: { terms: number; turns: number; others?: number },
): Piece[] {
  const [batches, tokens] = [x.size(0), x.size(1)];
  const most = Math.min(
    Math.floor(mostTerms / (batches * terms)),
    Math.floor((mostTurns - others) / turns),
  );
  const step = Math.max(1, most) * chunkSize;
  return Array.from({ length: Math.ceil(tokens / step) }, (_, index) => {
    const first = index * step;
    return { first, chunks: Math.ceil(Math.min(step, tokens - first) / chunkSize) };
  });
}

interface PlacedPiece extends Piece {
  readonly place?: Tensor | undefined;
  readonly capacity?: number;
}

/** What the scan of some chunks goes by; chunks know nothing of each other here. */
export function chunkTerms(
  x: Tensor,
  qk: Tensor,
  { heads, keyHeads, keySize, valueSize, gates: given, rates }: GatedDeltaOptions,
  { chunks, first, place, capacity = 0 }: PlacedPiece,
): { readonly terms: Tensor; readonly scores: Tensor; readonly gates: Tensor } {
  const { recording } = x;
  const [batches, tokens] = [x.size(0), x.size(1)];
  const blocks = batches * heads * chunks;
  const gates = recording.transient('delta gates', [blocks, 2, chunkSize]);
  const where = { tokens, heads, chunks, first };
  recording.dispatch({
    kernel: gatesKernel,
    bindings: { x: given.tensor, weight: rates, place, gates },
    params: { ...where, batches, capacity, pitch: given.tensor.size(-1), column: given.start },
    constants: { CHUNK: chunkSize, CACHED: place !== undefined },
    workgroups: Math.ceil(blocks / 64),
  });
  const scores = recording.transient('delta scores', [blocks, 2, chunkSize, chunkSize]);
  const keys = { key_heads: keyHeads, key_size: keySize };
  recording.dispatch({
    kernel: scoresKernel,
    bindings: { qk, gates, scores },
    params: { ...where, ...keys, rows: blocks * chunkSize },
    constants: { CHUNK: chunkSize },
    workgroups: Math.ceil((blocks * chunkSize) / 64),
  });
  const terms = recording.transient('delta terms', [blocks, valueSize + 3 * keySize, chunkSize]);
  recording.dispatch({
    kernel: solveKernel,
    bindings: { qk, x, gates, scores, terms },
    params: {
      ...where,
      ...keys,
      blocks,
      value_size: valueSize,
      pitch: x.size(-1),
      column: 2 * keyHeads * keySize,
    },
    constants: { CHUNK: chunkSize },
    workgroups: Math.ceil((blocks * (valueSize + keySize)) / 64),
  });
  return { terms, scores, gates };
}
