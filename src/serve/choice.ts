// One answer to a prompt: from tokens to pieces of text, up to where it ends.

import { TextStream } from '../tokenizer/text-stream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Scheduler, SequenceRequest, SequenceToken } from './scheduler.ts';
import { StopStrings } from './stop-strings.ts';

/** Why an answer ends: by itself or a stop string, or because it may not be longer. */
export type FinishReason = 'stop' | 'length';

/** A piece of an answer. */
export interface Piece {
  readonly text: string;
  /** The tokens that it was made of, where they are weighed. */
  readonly tokens: readonly SequenceToken[];
  /** Of the last piece. */
  readonly finishReason?: FinishReason;
}

/** What a choice is made of. */
export interface ChoiceParts {
  readonly scheduler: Scheduler;
  readonly tokenizer: Tokenizer;
  /** Tokens that end a sequence. */
  readonly ends: readonly number[];
  /** Tokens that the text goes on from. */
  readonly before: readonly number[];
  readonly stops: readonly string[];
  /** Special tokens that the text has all the same. */
  readonly marks: ReadonlyMap<number, string>;
  /** Told of each token. */
  readonly onToken: () => void;
}

/**
 * Submits a sequence, and gives its text piece by piece; the last has the reason of the end.
 * @throws QueueFull at once
 */
export function choice(
  parts: ChoiceParts,
  request: SequenceRequest,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, undefined> {
  // A stop string ends this one alone.
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const tokens = parts.scheduler.submit(request, own.signal);
  return pieces(parts, tokens, () => {
    signal.removeEventListener('abort', abort);
    own.abort();
  });
}

async function* pieces(
  { tokenizer, ends, before, stops, marks, onToken }: ChoiceParts,
  tokens: AsyncIterable<SequenceToken>,
  release: () => void,
): AsyncGenerator<Piece, void, undefined> {
  const filter = new StopStrings(stops);
  let text = new TextStream(tokenizer, before);
  let held: SequenceToken[] = [];
  let hasEnded = false;
  try {
    for await (const token of tokens) {
      onToken();
      hasEnded = ends.includes(token.tokenId);
      if (token.logProb !== undefined && !hasEnded) held.push(token);
      const mark = marks.get(token.tokenId);
      const shown = filter.push(mark === undefined ? text.push(token.tokenId) : text.end() + mark);
      if (mark !== undefined) text = new TextStream(tokenizer);
      if (filter.stopped) {
        yield { text: shown, tokens: held, finishReason: 'stop' };
        return;
      }
      if (shown === '') continue;
      yield { text: shown, tokens: held };
      held = [];
    }
    const rest = filter.push(text.end());
    const finishReason = filter.stopped || hasEnded ? 'stop' : 'length';
    yield { text: rest + filter.end(), tokens: held, finishReason };
  } finally {
    release();
  }
}
