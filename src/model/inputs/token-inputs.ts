// A stack that begins with token ids.

import type { Plan } from '../../runtime/plan.ts';
import type { Recording } from '../../runtime/record.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { embed, type EmbeddingWeights, type Tokens } from '../layers/embeddings.ts';
import type { StretchedRotary } from '../layers/stretched-rotary.ts';
import type { ModelInputs } from '../model.ts';
import {
  type CheckedInput,
  type InputShape,
  type InputStage,
  type RecordedInput,
  repeatRows,
  type SourceStage,
} from './input-stage.ts';
import {
  maskBatch,
  padRows,
  positionsOf,
  sameShape,
  type TokenBatch,
  tokenBatch,
  withinPositions,
} from './inputs.ts';

/** The names that ids and their mask have. */
type TokenNames = readonly [
  ids: 'inputIds' | 'decoderInputIds',
  mask: 'attentionMask' | 'decoderAttentionMask',
];

export interface TokenInputOptions {
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly embeddings: EmbeddingWeights;
  /** Segments of `tokenTypeIds`; 0 when absent. */
  readonly types?: number;
  /** Positions count only what is not this token, and begin behind its id (RoBERTa). */
  readonly paddingToken?: number | undefined;
  /** Positions count only what the mask shows (OPT). */
  readonly countsMask?: boolean;
  /** Rotary frequencies that depend on the length of the sequence, and where they lie. */
  readonly rotary?: readonly StretchedRotary[] | undefined;
}

/** Checked tokens, all (B, T). */
interface CheckedTokens extends CheckedInput {
  readonly ids: TokenBatch;
  readonly types: TokenBatch | undefined;
  /** Rows of the table of positions, or the places that rotary embeddings turn by. */
  readonly positions: TokenBatch;
}

export class TokenInput implements SourceStage {
  readonly takes: InputStage['takes'];
  readonly embeddings: EmbeddingWeights;
  readonly names: TokenNames;
  readonly options: Omit<TokenInputOptions, 'embeddings'>;

  /** `names`: those of one stack of two, which takes no positions and no segments. */
  constructor({ embeddings, ...options }: TokenInputOptions, names?: TokenNames) {
    this.embeddings = embeddings;
    this.options = options;
    this.names = names ?? ['inputIds', 'attentionMask'];
    const placed = options.types
      ? (['positionIds', 'tokenTypeIds'] as const)
      : (['positionIds'] as const);
    this.takes = [...this.names, ...(names ? [] : placed)];
  }

  /** Absent masks are all ones, absent segments 0, positions counted. */
  check(inputs: ModelInputs): CheckedTokens {
    const {
      vocabulary,
      maxPositions,
      types: typeCount = 0,
      paddingToken,
      countsMask,
    } = this.options;
    const [name, maskName] = this.names;
    const ids = tokenBatch(name, inputs[name], 0, vocabulary);
    const mask = maskBatch(maskName, inputs[maskName], ids, name);
    const { batch, length } = ids;
    let types: TokenBatch | undefined;
    if (inputs.tokenTypeIds !== undefined) {
      types = tokenBatch('tokenTypeIds', inputs.tokenTypeIds, 0, typeCount);
      sameShape('tokenTypeIds', types, ids, name);
    }
    const first = paddingToken === undefined ? 0 : paddingToken + 1;
    let positions: TokenBatch;
    if (inputs.positionIds !== undefined) {
      positions = tokenBatch('positionIds', inputs.positionIds, 0, maxPositions + first);
      sameShape('positionIds', positions, ids, name);
    } else {
      const counted = countsMask
        ? mask.rows.map(positionsOf)
        : ids.rows.map((row) => countPositions(row, paddingToken));
      positions = { ...ids, rows: counted };
      withinPositions(name, last(positions) + 1 - first, maxPositions);
    }
    return { batch, length, ids, mask, types, positions };
  }

  join(batches: readonly CheckedTokens[]): CheckedTokens {
    const below = (of: (batch: CheckedTokens) => TokenBatch | undefined): TokenBatch => {
      const rows = batches.flatMap((batch) => of(batch)?.rows ?? []);
      return { batch: rows.length, length: longest(rows), rows };
    };
    const ids = below((one) => one.ids);
    const types = below((one) => one.types);
    return {
      batch: ids.batch,
      length: ids.length,
      ids,
      mask: below(({ mask }) => mask),
      types: types.batch === ids.batch ? types : undefined,
      positions: below(({ positions }) => positions),
    };
  }

  inputsOf({ ids, mask }: CheckedTokens, copies: number): ModelInputs {
    const [name, maskName] = this.names;
    return { [name]: repeatRows(ids.rows, copies), [maskName]: repeatRows(mask.rows, copies) };
  }

  record(recording: Recording, { batch, length }: InputShape): RecordedInput {
    const { embeddings } = this;
    const { types: typeCount = 0, rotary = [] } = this.options;
    const [label] = this.names;
    const tokens = tokensOf(recording, label, batch, length);
    const types =
      typeCount > 0 ? recording.persistent(`${label} types`, [batch, length], 'u32') : undefined;
    const vectors = embed({ ...tokens, ...(types && { types }) }, embeddings);
    return {
      vectors,
      perLayer: embeddings.perLayer?.record(tokens.ids, vectors),
      mask: tokens.mask,
      place: tokens.place,
      write(plan: Plan, checked: CheckedTokens): void {
        plan.write(tokens.ids, padRows(checked.ids, length));
        plan.write(tokens.mask, padRows(checked.mask, length));
        if (types !== undefined) {
          plan.write(
            types,
            checked.types ? padRows(checked.types, length) : new Uint32Array(batch * length),
          );
        }
        const positions = padRows(checked.positions, length);
        writePositions(plan, tokens, (i) => positions[i] ?? 0);
        for (const { stretch } of rotary) stretch(recording.gpu, last(checked.positions) + 1);
      },
    };
  }
}

/** The part of a definition that its tokens make. */
export function tokenInput(
  options: TokenInputOptions,
): Pick<SequenceDefinition, 'input' | 'vocabulary' | 'maxPositions' | 'rotary'> {
  const { vocabulary, maxPositions, rotary } = options;
  return { input: new TokenInput(options), vocabulary, maxPositions, ...(rotary && { rotary }) };
}

/** From 0 on; with a padding token, which gets its own id, from the one behind it on. */
function countPositions(row: readonly number[], paddingToken: number | undefined): number[] {
  if (paddingToken === undefined) return row.map((_, place) => place);
  let count = paddingToken;
  return row.map((id) => (id === paddingToken ? paddingToken : ++count));
}

function longest(rows: TokenBatch['rows']): number {
  return rows.reduce((most, { length }) => Math.max(most, length), 0);
}

/** The greatest position. */
function last({ rows }: TokenBatch): number {
  return rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);
}

/** Tensors of a stack over tokens: ids and mask (batch, length), places (batch, length, 2). */
export function tokensOf(
  recording: Recording,
  name: string,
  batch: number,
  length: number,
): Tokens {
  return {
    ids: recording.persistent(`${name} ids`, [batch, length], 'u32'),
    place: recording.persistent(`${name} places`, [batch, length, 2], 'u32'),
    mask: recording.persistent(`${name} mask`, [batch, length], 'u32'),
  };
}

/**
 * Writes the place of each token: position and slot. Positions count from 0 in every sequence, whatever its
 * padding, as in Hugging Face's Marian, unless others are given for the tokens numbered through the batch.
 */
function writePositions(
  plan: Plan,
  { place }: Tokens,
  positionOf: (token: number) => number = (token) => token % place.size(1),
): void {
  const [batch, length] = [place.size(0), place.size(1)];
  plan.write(
    place,
    Uint32Array.from({ length: 2 * batch * length }, (_, i) =>
      i % 2 === 0 ? positionOf(i >> 1) : (i >> 1) % length,
    ),
  );
}
