// POST /v1/completions

import { isListOf } from '../runtime/lists.ts';
import { jsonBody } from './body.ts';
import { type Call, type Endpoint, newId, unixTime } from './call.ts';
import type { Piece } from './choice.ts';
import { Fields } from './fields.ts';
import { generationFields, generationSettings } from './generation-fields.ts';
import { answers, checkedLength, promptIds, usageOf, write, type Writer } from './generating.ts';
import type { Numbered } from './interleaved.ts';
import { eventResponse } from './server-events.ts';
import { textLogProbs } from './token-texts.ts';

const known = [...generationFields, 'prompt', 'best_of', 'echo', 'suffix'];

/** New tokens where a request says nothing, as OpenAI has it. */
const usualTokens = 16;

/** What an answer is made with. */
interface Text {
  readonly call: Call;
  readonly writer: Writer;
  readonly pieces: AsyncGenerator<Numbered<Piece>, void, undefined>;
  readonly count: number;
  readonly weighs: boolean;
  readonly includeUsage: boolean;
}

export const completions: Endpoint = async (call) => {
  const body = await jsonBody(call.request, call.limits.bodyBytes);
  const fields = new Fields(body, known);
  const writer = call.models.named(fields, 'text-generation', 'text2text-generation');
  call.notes.model = writer.id;
  call.notes.prompt = fields.get('prompt');
  const settings = generationSettings(fields, writer.pipeline.model.generationConfig);
  fields.only('best_of', [settings.count], 'all answers are given. Leave it out.');
  fields.only('echo', [false], 'answers come without their prompts. Leave it out.');
  fields.only('suffix', [''], 'texts are not filled in. Leave it out.');
  const prompts = promptsOf(fields, writer);
  const topLogProbs = fields.whole('logprobs', 0, 20);
  const pieces = write(call, writer, {
    prompts,
    settings,
    maxTokens: fields.whole('max_tokens', 1) ?? usualTokens,
    param: 'max_tokens',
    topLogProbs,
  });
  const count = prompts.length * settings.count;
  const { includeUsage, stream } = settings;
  const text: Text = {
    call,
    writer,
    pieces,
    count,
    includeUsage,
    weighs: topLogProbs !== undefined,
  };
  return stream ? eventResponse(call, chunks(text)) : whole(text);
};

/** Token ids of the prompts: texts, or tokens already. */
function promptsOf(fields: Fields, writer: Writer): number[][] {
  const given = fields.required('prompt', fields.get('prompt'));
  const isTokens = (value: unknown): value is number[] =>
    isListOf(value, (id) => Number.isSafeInteger(id) && Number(id) >= 0) && value.length > 0;
  const { model, tokenizer } = writer.pipeline;
  const checked = (ids: number[]): number[] => checkedLength(ids, model.maxPositions, 'prompt');
  if (isTokens(given)) return [checked(given)];
  if (isListOf(given, isTokens) && given.length > 0) return given.map(checked);
  return fields.required('prompt', fields.texts('prompt')).map((text) => {
    const ids = promptIds(writer, text, true, 'prompt');
    const { bosToken } = tokenizer;
    if (ids.length > 0) return ids;
    if (bosToken !== undefined) return [bosToken];
    throw fields.wrong('prompt', 'a text of one token at least');
  });
}

/** What all parts of an answer begin with. */
function headOf({ writer }: Text): object {
  return { id: newId('cmpl'), object: 'text_completion', created: unixTime(), model: writer.id };
}

async function whole(text: Text): Promise<Response> {
  const { call, writer, pieces, count, weighs } = text;
  const found = await answers(pieces, count);
  const choices = found.map((answer, index) => ({
    index,
    text: answer.text,
    logprobs: weighs ? textLogProbs(writer.pipeline.tokenizer, answer.tokens, 0) : null,
    finish_reason: answer.finishReason,
  }));
  return Response.json({ ...headOf(text), choices, usage: usageOf(call) });
}

async function* chunks(text: Text): AsyncGenerator<object, void, undefined> {
  const { call, writer, pieces, weighs, includeUsage, count } = text;
  const head = headOf(text);
  const usage = includeUsage ? { usage: null } : {};
  const offsets = Array<number>(count).fill(0);
  for await (const { index, item } of pieces) {
    const logprobs = weighs
      ? textLogProbs(writer.pipeline.tokenizer, item.tokens, offsets[index] ?? 0)
      : null;
    offsets[index] = (offsets[index] ?? 0) + item.text.length;
    const finish = item.finishReason ?? null;
    yield {
      ...head,
      choices: [{ index, text: item.text, logprobs, finish_reason: finish }],
      ...usage,
    };
  }
  if (includeUsage) yield { ...head, choices: [], usage: usageOf(call) };
}
