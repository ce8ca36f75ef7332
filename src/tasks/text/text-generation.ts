// Text that goes on from a prompt, or the next message of a chat, with a causal language model. Unlike
// Hugging Face's pipeline it draws only where the call or the files ask for it: the same again each time.

import { fieldOf, fieldsOf } from '../../runtime/errors.ts';
import type { ChatMessage, ChatOptions } from '../../tokenizer/chat-template.ts';
import {
  checkTextOptions,
  generateRows,
  mostRows,
  streamRow,
  type TextOptions,
} from '../generation.ts';
import { checkOptions, encodeWhole, listOf, type TaskParts, wrongInput } from '../task.ts';
import { eachText } from '../batches.ts';
import { type Halved, type Halves, halves } from '../halves.ts';
import { textAfter } from '../../tokenizer/text-stream.ts';

export interface TextGenerationOptions extends TextOptions {
  /** False gives the new text alone, without prompt or chat; true when absent. */
  returnFullText?: boolean;
  /** What the chat template reads besides the messages, such as tools. */
  chat?: ChatOptions;
}

/** `numReturnSequences` entries for each input. */
export interface GeneratedPrompt {
  generatedText: string;
}

/** The chat with the new message at its end. */
export interface GeneratedChat {
  generatedText: ChatMessage[];
}

type Chat = readonly ChatMessage[];
type NewText = TextGenerationOptions & { returnFullText: false };

export interface TextGeneration {
  (prompt: string, options?: TextGenerationOptions): Promise<GeneratedPrompt[]>;
  (prompts: readonly string[], options?: TextGenerationOptions): Promise<GeneratedPrompt[][]>;
  (chat: Chat, options: NewText): Promise<GeneratedPrompt[]>;
  (chats: readonly Chat[], options: NewText): Promise<GeneratedPrompt[][]>;
  (chat: Chat, options?: TextGenerationOptions): Promise<GeneratedChat[]>;
  (chats: readonly Chat[], options?: TextGenerationOptions): Promise<GeneratedChat[][]>;
  /** The new text for one prompt or chat, piece by piece as it is generated. */
  stream(
    input: string | Chat,
    options?: Omit<TextGenerationOptions, 'returnFullText'>,
  ): AsyncGenerator<string, void, undefined>;
}

type Input = string | Chat;

const task = 'text-generation';

/** A prompt or chat, and its tokens. */
interface Prompt {
  readonly input: Input;
  readonly ids: readonly number[];
}

type Generated = GeneratedPrompt[] | GeneratedChat[];

export function textGeneration(
  parts: TaskParts,
): TextGeneration & Halved<TextGenerationOptions, Input, Prompt, Generated> {
  const { tokenizer } = parts;

  /** Token ids of an input. A chat's template writes the special tokens itself. */
  const tokensOf = async (input: Input, chat?: ChatOptions): Promise<number[]> => {
    if (typeof input === 'string') {
      const { ids } = encodeWhole(parts, input);
      const { bosToken } = tokenizer;
      return ids.length > 0 || bosToken === undefined ? ids : [bosToken];
    }
    const text = await renderChat(parts, input, chat);
    return encodeWhole(parts, text, undefined, false).ids;
  };

  const halved = (options: TextGenerationOptions): Halves<Input, Prompt, Generated> => {
    checkTextOptions(task, options, ['returnFullText', 'chat']);
    const { returnFullText = true, chat, ...generation } = options;
    if (chat !== undefined) fieldsOf(chat, 'The object of chat');
    checkOptions(task, { returnFullText }, { returnFullText: 'boolean' });
    return {
      limit: parts.model.maxPositions,
      rows: mostRows,
      encode: async (input) => {
        checkInput(input);
        return { input, ids: await tokensOf(input, chat) };
      },
      run: async (prompts) => {
        const rows = prompts.map(({ ids }) => ids);
        const found = await generateRows(parts, rows, generation, 'left');
        return found.map((sequences, index) => {
          const { input, ids } = prompts[index] ?? { input: '', ids: [] };
          const promptLength = tokenizer.decode(ids).length;
          return sequences.map(({ ids: sequence }) => {
            const text = textAfter(tokenizer.decode(sequence), promptLength);
            return { generatedText: returnFullText ? joined(input, text) : text };
          }) as Generated;
        });
      },
    };
  };

  const generate = async (
    input: Input | readonly Input[],
    options: TextGenerationOptions = {},
  ): Promise<unknown> => {
    const { encode, run } = halved(options);
    const isOne = !Array.isArray(input) || isMessage(input[0]);
    const inputs = (isOne ? [input] : listOf(input)) as readonly Input[];
    const results = await run(await eachText(inputs, options.signal, encode));
    return isOne ? results[0] : results;
  };

  const stream = async function* (
    input: Input,
    options: TextGenerationOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    checkTextOptions(task, options, ['chat']);
    const { chat, ...generation } = options;
    if (chat !== undefined) fieldsOf(chat, 'The object of chat');
    checkInput(input);
    yield* streamRow(parts, await tokensOf(input, chat), generation, 'left');
  };
  return Object.assign(generate as TextGeneration, { stream, [halves]: halved });
}

/** The chat as the model reads it: up to where the assistant speaks, or goes on speaking. */
async function renderChat(
  { tokenizer }: TaskParts,
  chat: Chat,
  options: ChatOptions = {},
): Promise<string> {
  const continueFinalMessage =
    chat.at(-1)?.role === 'assistant' && options.addGenerationPrompt !== true;
  const addGenerationPrompt = !continueFinalMessage;
  return tokenizer.applyChatTemplate(chat, {
    addGenerationPrompt,
    continueFinalMessage,
    ...options,
  });
}

/** What the assistant has said of the last message, when it is the assistant's. */
function begunAnswer(chat: Chat): string | undefined {
  const last = chat.at(-1);
  return last?.role === 'assistant' && typeof last.content === 'string' ? last.content : undefined;
}

function joined(input: Input, text: string): string | ChatMessage[] {
  if (typeof input === 'string') return input + text;
  const begun = begunAnswer(input);
  return begun === undefined
    ? [...input, { role: 'assistant', content: text }]
    : [...input.slice(0, -1), { ...input.at(-1), role: 'assistant', content: begun + text }];
}

function isMessage(value: unknown): value is ChatMessage {
  return typeof fieldOf(value, 'role') === 'string';
}

function checkInput(input: unknown): void {
  if (typeof input === 'string') return;
  const messages: unknown[] = Array.isArray(input) ? Array.from<unknown>(input) : [];
  if (messages.length > 0 && messages.every(isMessage)) return;
  throw wrongInput('The prompt', input, 'a string, or a chat: [{ role, content }, …]');
}
