// Scores of documents by language models that are asked whether each answers a query: the logit of a word that says
// so, less that of one that does not, where the answer would begin (Qwen3 Embedding, arXiv 2506.05176, §3.2; the
// module LogitScore of sentence-transformers).

import { TransformerError } from '../../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { readJson, type Source } from '../../source/source.ts';
import type { ChatMessage } from '../../tokenizer/chat-template.ts';
import { positionsOf } from '../../model/inputs/inputs.ts';
import { unsupported } from '../../model/sentence-modules.ts';
import { eachText, entryOf, inBatches, padRows } from '../batches.ts';
import { encodeText, encodeWhole, type TaskParts } from '../task.ts';
import type { SentenceSettings } from './sentence-settings.ts';
import type { Scorer } from './text-ranking.ts';

/** The tokens whose logits are compared; `no` where they are. */
interface Words {
  readonly yes: number;
  readonly no: number | undefined;
}

/** `module`: the folder of LogitScore, where modules.json names one. Errors: MODEL_UNSUPPORTED */
export async function causalScorer(
  files: Source,
  { modalities, chat = {} }: SentenceSettings,
  module: string | undefined,
  signal: AbortSignal | undefined,
): Promise<(parts: TaskParts) => Scorer> {
  const noted =
    module === undefined ? undefined : await readJson(files, `${module}/config.json`, { signal });
  const known = noted === undefined ? undefined : wordsOf(files, isObject(noted) ? noted : {});
  const form = isObject(modalities?.['message']) ? modalities['message']['format'] : undefined;
  // What is said of the frame is not for the template.
  const { restore_suffix: keepsFrame = true, ...variables } = chat;
  const readsPairs = modalities !== undefined && modalities['message'] === undefined;
  return (parts) => {
    const words = known ?? usualWords(files, parts);
    const writer = chatWriter(files, parts, { isStructured: form === 'structured', variables });
    let found: Awaited<ReturnType<typeof writer>> | undefined;
    return async (prompt, query, documents, { most, signal: stop }) => {
      // Which way pairs are written is the template's: it is looked at once.
      if (!readsPairs) found ??= await writer();
      const chatOf = found?.write?.(prompt);
      let end: Promise<number[]> | undefined;
      const rows = await eachText(documents, stop, async (document) => {
        if (chatOf === undefined) {
          return encodeText(parts, prompt + query, document, 'longest', most);
        }
        const text = await chatOf(query, document);
        const limits = { addSpecialTokens: false, maxLength: most + 1 };
        const { ids } = parts.tokenizer.encoding(text, undefined, limits);
        if (ids.length <= most) return { ids };
        if (!keepsFrame) return { ids: ids.slice(0, most) };
        // What is too long loses the end of the document, and keeps the frame behind it.
        const frame = await (end ??= suffixOf(parts, chatOf));
        return { ids: [...ids.slice(0, most - frame.length), ...frame] };
      });
      return inBatches(rows, { tokens: 8192, signal: stop }, async (batch) => {
        const inputs = padRows(parts, batch, 'left');
        const positionIds = inputs.attentionMask.map(positionsOf);
        const options = { logitsToKeep: 1, ...(stop && { signal: stop }) };
        const output = await parts.model.forward({ ...inputs, positionIds }, options);
        return batch.map((_, at) => {
          const { data } = entryOf(output, ['logits'], at, 'text-ranking');
          const [yes = NaN, no = NaN] = [data[words.yes], data[words.no ?? words.yes]];
          return words.no === undefined ? yes : yes - no;
        });
      });
    };
  };
}

/** The tokens that LogitScore names. */
function wordsOf(files: Source, config: JsonObject): Words {
  const { true_token_id: yes, false_token_id: no, module_input_name: input } = config;
  const isToken = (value: unknown): value is number => Number.isSafeInteger(value);
  if (!isToken(yes) || ((no ?? undefined) !== undefined && !isToken(no))) {
    throw unsupported(
      files,
      `LogitScore compares the tokens ${show(yes ?? null)} and ${show(no ?? null)}`,
    );
  }
  if ((input ?? 'causal_logits') !== 'causal_logits') {
    throw unsupported(files, `LogitScore works on ${show(input)}`);
  }
  return { yes, no: isToken(no) ? no : undefined };
}

function usualWords(files: Source, { model, tokenizer }: TaskParts): Words {
  const size = Number(model.config['vocab_size'] ?? 0);
  const tokens = tokenizer.tokens(Array.from({ length: size }, (_, id) => id));
  const [yes, no] = [tokens.indexOf('yes'), tokens.indexOf('no')];
  if (yes >= 0 && no >= 0) return { yes, no };
  throw unsupported(
    files,
    'the vocabulary has no tokens "yes" and "no", and no LogitScore names others',
  );
}

/** A query and a document as the model reads them. */
type WritePair = (query: string, document: string) => Promise<string> | string;

interface WriterOptions {
  /** Whether contents are lists of parts. */
  readonly isStructured: boolean;
  /** What the chat template is given besides the messages, and whether the answer begins. */
  readonly variables: JsonObject;
}

/**
 * How pairs are written with a prompt: `write` is undefined where there is no chat template, so that both texts are read
 * as they are.
 */
function chatWriter(
  files: Source,
  { model, tokenizer }: TaskParts,
  { isStructured, variables: given }: WriterOptions,
): () => Promise<{ readonly write: ((prompt: string) => WritePair) | undefined }> {
  const content = (text: string): unknown => (isStructured ? [{ type: 'text', text }] : text);
  const { add_generation_prompt: begins = false, ...variables } = given;
  const render = (prompt: string, query: string, document: string): Promise<string> => {
    const system = prompt === '' ? [] : [{ role: 'system', content: content(prompt) }];
    const messages: ChatMessage[] = [
      ...system,
      { role: 'query', content: content(query) },
      { role: 'document', content: content(document) },
    ];
    return tokenizer.applyChatTemplate(messages, {
      addGenerationPrompt: begins === true,
      variables,
    });
  };
  const write =
    (prompt: string): WritePair =>
    (query, document) =>
      render(prompt, query, document);
  return async () => {
    const tried = write('');
    try {
      const [base, other, another] = [
        await tried('a', 'b'),
        await tried('c', 'b'),
        await tried('a', 'd'),
      ];
      if (base !== other && base !== another) return { write };
    } catch (error) {
      if (!(error instanceof TransformerError)) throw error;
      if (error.code === 'FILE_NOT_FOUND') return { write: undefined };
    }
    if (model.config['model_type'] === 'qwen3') return { write: judged };
    throw unsupported(
      files,
      'the chat template passes over messages of the roles query and document',
    );
  };
}

/** As Qwen3-Reranker was trained to be asked, where the template is that of chats: §3.2 of its report, and its model card. */
function judged(prompt: string): WritePair {
  const task =
    prompt || 'Given a web search query, retrieve relevant passages that answer the query';
  const system =
    'Judge whether the Document meets the requirements based on the Query and the Instruct provided. ' +
    'Note that the answer can only be "yes" or "no".';
  return (query, document) =>
    `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n<Instruct>: ${task}\n<Query>: ${query}\n` +
    `<Document>: ${document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n`;
}

/** The tokens behind a document, which those of any two pairs have in common. */
async function suffixOf(parts: TaskParts, write: WritePair): Promise<number[]> {
  const encode = async (filler: string): Promise<readonly number[]> =>
    encodeWhole(parts, await write(filler, filler), undefined, false).ids;
  const [first, second] = [await encode('0'), await encode('1 2 3 4')];
  const most = Math.min(first.length, second.length);
  let count = 0;
  while (count < most && first.at(-1 - count) === second.at(-1 - count)) count++;
  return first.slice(first.length - count);
}
