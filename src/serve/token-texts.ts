// Tokens with their log-probabilities, as chats and as texts tell of them.

import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { LikelyToken } from '../model/generation/likelihoods.ts';
import type { SequenceToken } from './scheduler.ts';

type Decoder = Pick<Tokenizer, 'decode'>;

/** The least that stands in JSON for what cannot be. */
const least = -9999;

function textOf(tokenizer: Decoder, tokenId: number): string {
  return tokenizer.decode([tokenId], { skipSpecialTokens: false });
}

function chatToken(tokenizer: Decoder, { tokenId, logProb }: LikelyToken): object {
  const token = textOf(tokenizer, tokenId);
  // Of a part of a character nobody knows the bytes.
  const bytes = token.includes('\uFFFD') ? null : [...new TextEncoder().encode(token)];
  return { token, logprob: Math.max(least, logProb), bytes };
}

/** `logprobs` of a chat's choice. */
export function chatLogProbs(tokenizer: Decoder, tokens: readonly SequenceToken[]): object {
  const content = tokens.map(({ tokenId, logProb = least, top = [] }) => ({
    ...chatToken(tokenizer, { tokenId, logProb }),
    top_logprobs: top.map((one) => chatToken(tokenizer, one)),
  }));
  return { content, refusal: null };
}

/** `logprobs` of a text's choice; `offset`: where its first token stands in the text. */
export function textLogProbs(
  tokenizer: Decoder,
  tokens: readonly SequenceToken[],
  offset: number,
): object {
  const texts = tokens.map(({ tokenId }) => textOf(tokenizer, tokenId));
  let at = offset;
  const offsets = texts.map((text) => (at += text.length) - text.length);
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logProb = least }) => Math.max(least, logProb)),
    top_logprobs: tokens.map(({ top = [] }) =>
      Object.fromEntries(
        top.map(({ tokenId, logProb }) => [textOf(tokenizer, tokenId), Math.max(least, logProb)]),
      ),
    ),
    text_offset: offsets,
  };
}
