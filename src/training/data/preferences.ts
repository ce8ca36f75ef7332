// Pairs of texts of which one is preferred, for the `dpo` objective.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { ChatMessage } from '../../tokenizer/chat-template.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import {
  chatExample,
  completionExample,
  exampleBatch,
  type ExampleOptions,
  type TokenExample,
} from './examples.ts';

/** What is to be said rather than something else. */
export interface PreferenceExample {
  /** The answer that is better. */
  readonly chosen: TokenExample;
  /** The one that is worse. */
  readonly rejected: TokenExample;
}

/** A prompt with both answers; or two conversations, of which the last turns count. */
export type Preference =
  | { readonly prompt: string; readonly chosen: string; readonly rejected: string }
  | { readonly chosen: readonly ChatMessage[]; readonly rejected: readonly ChatMessage[] };

/** Both answers as tokens, of which what stands behind the prompt counts. @throws TransformerError INPUT_INVALID, OPTION_* */
export async function preferenceExample(
  tokenizer: Tokenizer,
  preference: Preference,
  options: ExampleOptions = {},
): Promise<PreferenceExample> {
  refuseUnknown(options, ['maxLength', 'tooLong'], 'option of preferenceExample');
  const { prompt, chosen, rejected } = Object.fromEntries(fieldsOf(preference, 'The preference'));
  if (Array.isArray(chosen) && Array.isArray(rejected)) {
    const said = (messages: unknown): Promise<TokenExample> =>
      chatExample(tokenizer, messages as ChatMessage[], { ...options, loss: 'last' });
    return { chosen: await said(chosen), rejected: await said(rejected) };
  }
  if ([prompt, chosen, rejected].every((text) => typeof text === 'string')) {
    const said = (completion: unknown): TokenExample => {
      const pair = { prompt: String(prompt), completion: String(completion) };
      return completionExample(tokenizer, pair, options);
    };
    return { chosen: said(chosen), rejected: said(rejected) };
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `The preference is ${show(preference)}; wanted { prompt, chosen, rejected }, or conversations as chosen and rejected.`,
  );
}

/** All chosen texts, then all rejected ones: (2 · N, T), padded on the right. @throws TransformerError INPUT_INVALID */
export function preferenceBatch(
  examples: readonly PreferenceExample[],
  padTokenId: number,
): ModelInputs {
  const list = Array.isArray(examples) ? Array.from<unknown>(examples) : [];
  const sides = list.map((example, index) =>
    Object.fromEntries(fieldsOf(example, `Example ${index}`)),
  );
  const rows = (['chosen', 'rejected'] as const).flatMap((name) => sides.map((side) => side[name]));
  return exampleBatch(rows as TokenExample[], padTokenId);
}
