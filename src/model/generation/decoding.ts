// What generation asks of a decoder, whatever its architecture: fill the caches with a prompt, then
// record one step that is replayed for every token.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { TokenBatch } from '../inputs/inputs.ts';

/** Marks slots of a cache that no query sees. */
export const hiddenRow: number = 2 ** 32 - 1;

/** What steps share; R rows are batch · beams. All of it is data in buffers. */
export interface DecodeState {
  /** (R, 1) u32: the token each row feeds */
  readonly tokens: Tensor;
  /** (R, 1, 2) u32: position of that token, and its slot in the caches */
  readonly place: Tensor;
  /** (R, capacity) u32: the cache row that holds each slot's key; `hiddenRow` hides it */
  readonly rows: Tensor;
}

/** What sequences begin with. */
export interface DecodePrompt {
  /** (R, P): the first tokens of each row, left padded to one length */
  readonly tokens: TokenBatch;
  /** (R, P): 1 for tokens, 0 for padding */
  readonly mask: TokenBatch;
  /** Source token ids of an encoder–decoder, (batch, S): rows R / batch · b and on share source b. */
  readonly source?: { readonly ids: TokenBatch; readonly mask: TokenBatch };
}

/** A decoder for one number of rows and one capacity, ready to step. */
export interface DecodeSession {
  /** R = batch · beams */
  readonly rows: number;
  readonly batch: number;
  /** Tokens that a row of the caches holds. */
  readonly capacity: number;
  readonly vocabulary: number;
  /** Appends one step; the token's key and value join the caches. Result: logits (R, 1, V). */
  recordStep(recording: Recording, state: DecodeState): Tensor;
  /**
   * Encodes the source, and feeds all but the last token of the prompt; `state`, of the step's plan,
   * is left as the step expects it: the last token of the prompt, its place, and what it sees.
   */
  start(prompt: DecodePrompt, state: DecodeState, plan: Plan): Promise<void>;
  /** Called before each play of the step, with the tokens a row then has in its cache. */
  beforeStep?(length: number): void;
  /** Called at the end with the tokens of each row, so that a later prompt may go on from there. */
  finish?(sequences: readonly (readonly number[])[]): void;
  dispose(): void;
}

/** Writes the state of a step that feeds the last token of the prompt. */
export function writeState(prompt: DecodePrompt, state: DecodeState, plan: Plan): void {
  const { tokens, mask } = prompt;
  const last = tokens.length - 1;
  plan.write(
    state.tokens,
    Uint32Array.from(tokens.rows, (row) => row[last] ?? 0),
  );
  const places = mask.rows.flatMap((row) => [positionsOf(row)[last] ?? 0, last]);
  plan.write(state.place, Uint32Array.from(places));
  plan.write(state.rows, cacheRows(mask.rows, state.rows.size(1)));
}

/** Every sequence sees the keys of its own row, but for padding: (rows, capacity). */
export function cacheRows(
  masks: readonly (readonly number[])[],
  capacity: number,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    masks.flatMap((mask, row) =>
      Array.from({ length: capacity }, (_, slot) => (mask[slot] === 0 ? hiddenRow : row)),
    ),
  );
}

/** The position of each token: how many tokens before it are no padding. */
export function positionsOf(mask: readonly number[]): number[] {
  let count = 0;
  return mask.map((flag) => {
    count += flag;
    return count - flag;
  });
}
