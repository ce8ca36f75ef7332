// A call of a generation, checked, and what several of them need together. Nothing stands on the GPU yet.

import { throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { JsonObject } from '../../source/json.ts';
import { paddedLength, type SourceStage } from '../inputs/input-stage.ts';
import { bucket, withinPositions } from '../inputs/inputs.ts';
import type { Model } from '../model.ts';
import type { Look } from '../points/look.ts';
import type { SharedCache, SharedSizes } from './batch/shared-cache.ts';
import type { Call, ReadPrompt } from './prompt.ts';
import { type GenerationValues, generationValues } from './read-options.ts';
import { type Selection, type SelectionData, selectionOf, unite } from './selection.ts';
import type { DecodeSession, SessionShape } from './session.ts';

/** A model as generation sees it. */
export interface DecodingModel {
  readonly gpu: Gpu;
  /** All lists end with it. */
  readonly scope: Scope;
  readonly config: JsonObject;
  /** The settings of generation in the files: see `generationSettings`. */
  readonly generation: JsonObject;
  /** Size of the vocabulary that tokens are chosen from. */
  readonly vocabulary: number;
  /** Positions of the decoder; infinite where it has no limit. */
  readonly maxPositions: number;
  /** `look`: what its sequences change at named points. */
  createSession(shape: SessionShape, look?: Look): Promise<DecodeSession>;
  /** A cache for calls that come and go. */
  shareCache?(sizes: SharedSizes): Promise<SharedCache>;
  /** Tokens of a sequence up to which what one sees does not depend on how many there are; longer ones step alone. */
  readonly steadyLength: number;
  readonly read: ReadPrompt;
  /** What the encoder begins with, where there is one. */
  readonly stage: SourceStage | undefined;
  /** The named points of the model; none where texts are not to be changed. */
  readonly points?: Model['points'];
  /** Computes what is asked for besides tokens. */
  readonly forward: Model['forward'];
}

/** A call, checked. */
export interface Request extends Call {
  readonly values: GenerationValues;
  readonly selection: Selection;
  readonly data: SelectionData;
  /** Sequences for each input, and in all. */
  readonly copies: number;
  readonly rows: number;
}

/** Checks a call. Errors: INPUT_INVALID, OPTION_*, ABORTED. */
export function requestOf(
  { prompt, options, speech, look }: Call,
  { vocabulary, maxPositions, config, generation }: DecodingModel,
): Request {
  const { tokens, source } = prompt;
  const stated = Number(config['max_position_embeddings'] ?? Infinity);
  const statedPositions = Math.min(maxPositions, stated);
  const bounds = { vocabulary, maxPositions, statedPositions, prompt: tokens.length };
  withinPositions('The prompt', tokens.length, maxPositions);
  const values = generationValues(options, generation, bounds);
  throwIfAborted(options.signal);
  const { numBeams, numReturnSequences } = values;
  const { length: listed } = source ?? tokens;
  const asks = options.stoppingCriteria !== undefined;
  const isReading = values.encoderRepetitionPenalty !== 1 || values.encoderNoRepeatNgramSize > 0;
  if (isReading && source !== undefined && source.ids === undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      'encoderRepetitionPenalty and encoderNoRepeatNgramSize go by the tokens of a source, and this model reads none. ' +
        'Leave them out.',
    );
  }
  const { selection, data } = selectionOf(values, bounds, listed, asks, speech);
  const copies = numBeams > 1 ? numBeams : numReturnSequences;
  const rows = tokens.batch * copies;
  return { prompt, options, look, values, selection, data, copies, rows };
}

/** What requests that step together need: a session of this shape, and a step that chooses like this. */
export function joined(
  requests: readonly Request[],
  maxPositions: number,
): {
  readonly shape: SessionShape;
  readonly selection: Selection;
  /** Tokens of a source at most, where tokens are chosen by it. */
  readonly listed: number;
} {
  const most = (of: (request: Request) => number): number =>
    requests.reduce((greatest, request) => Math.max(greatest, of(request)), 0);
  const total = (of: (request: Request) => number): number =>
    requests.reduce((sum, request) => sum + of(request), 0);
  const sources = requests.flatMap(({ prompt }) => prompt.source ?? []);
  const sourceLength = most(({ prompt }) => prompt.source?.length ?? 0);
  const shape: SessionShape = {
    rows: total(({ rows }) => rows),
    capacity: bucket(most(({ values }) => values.maxLength - 1)),
    sources: total(({ prompt }) => prompt.source?.batch ?? 0),
    sourceLength: sources.reduce(
      (longest, source) => Math.max(longest, paddedLength(source, maxPositions)),
      0,
    ),
    sourceSize: sources[0]?.size,
  };
  const selection = unite(requests.map((request) => request.selection));
  const read = sourceLength > 0 ? sourceLength : most(({ prompt }) => prompt.tokens.length);
  const listed = selection.bySource ? bucket(read) : 0;
  return { shape, selection, listed };
}
