// Texts as what language models learn from: token ids, and which of them count.

import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { ChatMessage, ChatOptions } from '../../tokenizer/chat-template.ts';
import { markTurns, turnsIn } from '../../tokenizer/turn-marks.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Encoding } from '../../tokenizer/template.ts';
import { checkTexts, checkWhole, invalidOption } from '../check.ts';
import { filledRows, maskOfRows } from './filled-rows.ts';

/** Tokens, and a label each: the token where it counts, -100 where not. */
export interface TokenExample {
  /** Token ids of the text. */
  readonly inputIds: readonly number[];
  /** What each place is to predict, -100 where nothing counts; as many as ids. */
  readonly labels: readonly number[];
}

/** How a text becomes an example. */
export interface ExampleOptions {
  /** Tokens at most; as many as there are when absent. */
  maxLength?: number;
  /** What becomes of a longer one: an error (default), or its first tokens alone. */
  tooLong?: 'refuse' | 'cut';
}

/** How a conversation becomes an example. */
export interface ChatExampleOptions extends ExampleOptions {
  /** What counts: all turns of the assistant (default), its last one, or the whole text. */
  loss?: 'assistant' | 'last' | 'all';
  /** What the chat template reads besides the messages, such as tools. */
  chat?: Omit<ChatOptions, 'addGenerationPrompt' | 'continueFinalMessage'>;
}

const lengths = ['maxLength', 'tooLong'] as const;

/** A text, all of which counts, with the tokens that its tokenizer puts around it. @throws TransformerError INPUT_INVALID, OPTION_* */
export function textExample(
  tokenizer: Tokenizer,
  text: string,
  options: ExampleOptions = {},
): TokenExample {
  refuseUnknown(options, lengths, 'option of textExample');
  checkTexts(tokenizer, { text });
  const { ids } = tokenizer.encoding(text);
  return within({ inputIds: ids, labels: ids }, options);
}

/**
 * A prompt and what is to follow it, of which only that counts, up to the end token, which is put behind it where the
 * tokenizer names one. @throws TransformerError INPUT_INVALID, OPTION_*
 */
export function completionExample(
  tokenizer: Tokenizer,
  pair: { readonly prompt: string; readonly completion: string },
  options: ExampleOptions = {},
): TokenExample {
  refuseUnknown(options, lengths, 'option of completionExample');
  fieldsOf(pair, 'The pair');
  const { prompt, completion } = pair;
  checkTexts(tokenizer, { prompt, completion });
  const whole = prompt + completion;
  const encoding = tokenizer.encoding(whole);
  const example = counting(encoding, [[prompt.length, whole.length]]);
  const { eosToken } = tokenizer;
  if (eosToken === undefined || example.inputIds.at(-1) === eosToken)
    return within(example, options);
  const inputIds = [...example.inputIds, eosToken];
  return within({ inputIds, labels: [...example.labels, eosToken] }, options);
}

/**
 * A conversation as the checkpoint's chat template writes it. What the assistant says counts, up to the token that ends
 * its turn: where the template marks it (`{% generation %}`), else what a turn adds to the text before it.
 * @throws TransformerError INPUT_INVALID where the assistant says nothing, or where the template writes earlier turns
 *   otherwise once there are later ones, so that they cannot be told; OPTION_*
 */
export async function chatExample(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatExampleOptions = {},
): Promise<TokenExample> {
  refuseUnknown(options, [...lengths, 'loss', 'chat'], 'option of chatExample');
  const { loss = 'assistant', chat = {} } = options;
  if (!['assistant', 'last', 'all'].includes(loss)) {
    throw invalidOption('loss', loss, "'assistant', 'last' or 'all'");
  }
  checkTexts(tokenizer, {});
  fieldsOf(chat, 'The object of chat');
  const marked = await tokenizer.applyChatTemplate(messages, { ...chat, markTurns });
  const { text, turns: spoken } = turnsIn(marked);
  const encoding = tokenizer.encoding(text, undefined, { addSpecialTokens: false });
  const { ids } = encoding;
  if (loss === 'all') return within({ inputIds: ids, labels: ids }, options);
  const turns = spokenTurns(messages);
  const wanted = loss === 'last' ? turns.slice(-1) : turns;
  const ranges = spoken ?? (await addedBy(tokenizer, messages, wanted, { text, chat }));
  return within(counting(encoding, loss === 'last' ? ranges.slice(-1) : ranges), options);
}

/** Examples end to end, cut into rows of `length` tokens; the last may be shorter. @throws TransformerError OPTION_INVALID */
export function packExamples(examples: readonly TokenExample[], length: number): TokenExample[] {
  checkExamples(examples);
  checkWhole('length', length, 2);
  const inputIds = examples.flatMap((example) => [...example.inputIds]);
  const labels = examples.flatMap((example) => [...example.labels]);
  return Array.from({ length: Math.ceil(inputIds.length / length) }, (_, row) => {
    const range = [row * length, (row + 1) * length] as const;
    return { inputIds: inputIds.slice(...range), labels: labels.slice(...range) };
  });
}

/** Examples as one batch, (B, T), padded on the right. @throws TransformerError INPUT_INVALID, OPTION_INVALID */
export function exampleBatch(examples: readonly TokenExample[], padTokenId: number): ModelInputs {
  checkExamples(examples);
  checkWhole('padTokenId', padTokenId, 0);
  const ids = examples.map(({ inputIds }) => inputIds);
  return {
    inputIds: filledRows(ids, padTokenId),
    attentionMask: maskOfRows(ids),
    labels: filledRows(
      examples.map(({ labels }) => labels),
      ignoredLabel,
    ),
  };
}

/** The places of the assistant's messages. */
function spokenTurns(messages: readonly ChatMessage[]): number[] {
  const turns = [...messages.keys()].filter((index) => messages[index]?.role === 'assistant');
  if (turns.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      "The conversation has no turn of the assistant to learn. Leave it out, or pass loss: 'all'.",
    );
  }
  const empty = turns.find((index) => {
    const { role: _, ...rest } = Object.fromEntries(fieldsOf(messages[index], 'A message'));
    const said = Object.values(rest).filter((value) => (value ?? '') !== '');
    return said.every((value) => typeof value === 'string' && value.trim() === '');
  });
  if (empty === undefined) return turns;
  throw new TransformerError(
    'INPUT_INVALID',
    `Message ${empty} of the conversation is the assistant's and empty. Leave it out.`,
  );
}

/** What turns add to the text before them, where the assistant is asked to speak. */
async function addedBy(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  turns: readonly number[],
  { text, chat }: { readonly text: string; readonly chat: ChatOptions },
): Promise<[number, number][]> {
  const ranges: [number, number][] = [];
  for (const turn of turns) {
    const asked = { ...chat, addGenerationPrompt: true };
    // A template cannot write a conversation before it begins.
    const before =
      turn === 0 ? '' : await tokenizer.applyChatTemplate(messages.slice(0, turn), asked);
    const through =
      turn === messages.length - 1
        ? text
        : await tokenizer.applyChatTemplate(messages.slice(0, turn + 1), chat);
    if (!text.startsWith(through) || !through.startsWith(before)) {
      throw new TransformerError(
        'INPUT_INVALID',
        `The chat template writes message ${turn} otherwise where the conversation goes on, or does not begin it ` +
          "as it asks for it, so what the assistant said cannot be told. Pass loss: 'last', with a conversation " +
          'for each turn, or a template with generation blocks.',
      );
    }
    ranges.push([before.length, through.length]);
  }
  return ranges;
}

/** Of a text, what stands in these ranges counts. */
function counting(
  { ids, offsets }: Encoding,
  ranges: readonly (readonly [start: number, end: number])[],
): TokenExample {
  const counts = (place: readonly [number, number] | undefined): boolean =>
    place !== undefined && ranges.some(([start, end]) => place[1] > start && place[0] < end);
  return {
    inputIds: ids,
    labels: ids.map((id, index) => (counts(offsets[index]) ? id : ignoredLabel)),
  };
}

/** An example of a length that is allowed. */
function within(example: TokenExample, options: ExampleOptions): TokenExample {
  const { maxLength = Infinity, tooLong = 'refuse' } = options;
  if (maxLength !== Infinity) checkWhole('maxLength', maxLength, 2);
  if (!['refuse', 'cut'].includes(tooLong)) {
    throw invalidOption('tooLong', tooLong, "'refuse' or 'cut'");
  }
  const { inputIds, labels } = example;
  if (inputIds.length > maxLength && tooLong === 'refuse') {
    throw new TransformerError(
      'INPUT_INVALID',
      `The example has ${inputIds.length} tokens; maxLength allows ${maxLength}. Shorten it, or pass tooLong: 'cut'.`,
    );
  }
  const kept = { inputIds: inputIds.slice(0, maxLength), labels: labels.slice(0, maxLength) };
  // The first token has nothing before it to be told by.
  if (kept.labels.slice(1).some((label) => label !== ignoredLabel)) return kept;
  throw new TransformerError(
    'INPUT_INVALID',
    inputIds.length > maxLength
      ? `Nothing that counts is within the first ${maxLength} tokens of the example. Leave it out, or allow more.`
      : 'Nothing of the example counts. Leave it out.',
  );
}

/** Errors: INPUT_INVALID. */
export function checkExamples(examples: unknown): void {
  const list = Array.isArray(examples) ? Array.from<unknown>(examples) : [];
  if (list.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `A list of examples is ${show(examples)}; wanted at least one. Pass [example].`,
    );
  }
  const isTokens = (value: unknown): value is readonly unknown[] =>
    isListOf(value, Number.isSafeInteger);
  for (const [index, example] of list.entries()) {
    const { inputIds, labels } = Object.fromEntries(fieldsOf(example, `Example ${index}`));
    if (isTokens(inputIds) && isTokens(labels) && inputIds.length === labels.length) continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `Example ${index} is ${show(example)}; wanted { inputIds, labels }, as many labels as token ids.`,
    );
  }
}
