// Vectors, ranks and what is heard, through OpenAI's client where it has a call for them.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { toFile } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, type Pipelines, pipeline } from 'webgpu-transformer';
import { createHandler, type Handler } from 'webgpu-transformer/serve';
import { readFixtureJson } from '../support/fixture.ts';
import { clientOf, post } from '../support/openai.ts';
import { fixtureSource, memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

let gpu: Gpu;
let handler: Handler;
let search: Pipelines['embeddings'];
let rank: Pipelines['text-ranking'];
let hear: Pipelines['automatic-speech-recognition'];
const fixture = path.join(import.meta.dirname, '../fixtures/whisper_task');

beforeAll(async () => {
  gpu = await Gpu.request();
  const texts = async (name: string) => memorySource(await taskFiles(name));
  search = await pipeline('embeddings', await texts('bert/features'), { gpu });
  rank = await pipeline('text-ranking', await texts('bert/rank'), { gpu });
  hear = await pipeline('automatic-speech-recognition', fixtureSource('whisper_task'), { gpu });
  handler = createHandler({ models: { search, rank, hear }, limits: { texts: 3 } });
});

afterAll(() => {
  for (const model of [search, rank, hear]) model.dispose();
  gpu.dispose();
});

test('vectors as numbers and as base64, whole and cut', async () => {
  const client = clientOf(handler);
  const input = ['Marie Curie', 'The film was good!'];
  const asking = { model: 'search', input };
  const floats = await client.embeddings.create({ ...asking, encoding_format: 'float' });
  const packed = await client.embeddings.create({ ...asking, encoding_format: 'base64' });
  const decoded = packed.data.map(({ embedding }) => {
    const bytes = Buffer.from(embedding as unknown as string, 'base64');
    return [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
  });
  expect(decoded).toEqual(floats.data.map(({ embedding }) => embedding));
  const cut = await client.embeddings.create({ ...asking, dimensions: 4 });
  const { data } = await search(input, { truncateDim: 4, normalize: true });
  expect(cut.data.flatMap(({ embedding }) => embedding)).toEqual([...data]);
  for (const [fields, param] of [
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [1, 2] }, 'input'],
    [{ input: [[1, 2]] }, 'input'],
    [{ input: ['a', 5] }, 'input'],
    [{ input: ['a', 'b', 'c', 'd'] }, 'input'],
    [{ input: 'Who was it? '.repeat(200) }, 'input'],
    [{ dimensions: 0 }, 'dimensions'],
    [{ dimensions: 5000 }, 'dimensions'],
    [{ encoding_format: 'int8' }, 'encoding_format'],
  ] as const) {
    const response = await post(handler, '/v1/embeddings', { ...asking, ...fields });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  }
  const named = await post(handler, '/v1/embeddings', { ...asking, prompt_name: 'poem' });
  expect(named.status).toBe(400);
});

test('ranks', async () => {
  const query = 'Who was born in Warsaw?';
  const documents = ['The film was good!', 'Marie Curie was born in Warsaw.'];
  const wanted = await rank(query, documents);
  const asking = { model: 'rank', query, documents: [documents[0], { text: documents[1] }] };
  const all = (await (await post(handler, '/v1/rerank', asking)).json()) as Record<string, unknown>;
  expect(all['results']).toEqual(
    wanted.map(({ corpusId, score, text }) => ({
      index: corpusId,
      relevance_score: score,
      document: { text },
    })),
  );
  const few = { ...asking, top_n: 1, return_documents: false };
  const { results } = (await (await post(handler, '/v1/rerank', few)).json()) as {
    results: object[];
  };
  expect(results).toEqual([{ index: wanted[0]!.corpusId, relevance_score: wanted[0]!.score }]);
  for (const [fields, param] of [
    [{ query: 5 }, 'query'],
    [{ documents: [] }, 'documents'],
    [{ documents: [{}] }, 'documents'],
    [{ documents: ['Who was it? '.repeat(200)] }, 'documents'],
    [{ top_n: 0 }, 'top_n'],
  ] as const) {
    const response = await post(handler, '/v1/rerank', { ...asking, ...fields });
    expect(await response.json()).toMatchObject({ error: { param } });
  }
});

test('what is heard, in every format', async () => {
  const { runs } = (await readFixtureJson('whisper_task/expected.json')) as {
    runs: {
      name: string;
      result: { text: string; chunks: { text: string; timestamp: number[] }[] };
    }[];
  };
  const result = (name: string) => runs.find((one) => one.name === name)!.result;
  const client = clientOf(handler);
  const file = async (name = 'one') =>
    toFile(await readFile(path.join(fixture, `${name}.wav`)), `${name}.wav`);
  const create = client.audio.transcriptions.create.bind(client.audio.transcriptions);
  const model = 'hear';
  expect(await create({ model, file: await file() })).toEqual({
    text: result('plain').text.trim(),
  });
  const text = await create({ model, file: await file(), response_format: 'text' });
  expect(text).toBe(`${result('plain').text.trim()}\n`);
  const verbose = await create({ model, file: await file(), response_format: 'verbose_json' });
  const { chunks } = result('stamps');
  expect(verbose).toMatchObject({
    duration: 1,
    text: result('stamps').text.trim(),
    segments: chunks.map(({ text: said, timestamp: [start, end] }, id) => ({
      id,
      start,
      end,
      text: said,
    })),
  });
  expect(verbose.language).not.toBe('');
  const srt = await create({ model, file: await file(), response_format: 'srt' });
  expect(srt).toContain('1\n00:00:00,000 --> 00:00:00,500\n');
  const vtt = await create({ model, file: await file(), response_format: 'vtt' });
  expect(vtt).toContain('WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n');
  const words = await create({
    model,
    file: await file('two'),
    response_format: 'verbose_json',
    timestamp_granularities: ['word'],
  });
  const spoken = result('words').chunks;
  expect(words.words).toEqual(
    spoken.map(({ text: word, timestamp: [start, end] }) => ({ word: word.trim(), start, end })),
  );
  expect(words.segments).toBe(undefined);
  const german = await create({ model, file: await file('two'), language: 'de' });
  expect(german).toEqual({ text: result('language').text.trim() });
  for (const [fields, param] of [
    [{ file: 'text' }, 'file'],
    [{ response_format: 'xml' }, 'response_format'],
    [{ temperature: 'warm' }, 'temperature'],
    [{ stream: 'true' }, 'stream'],
    [{ timestamp_granularities: 'word' }, 'timestamp_granularities'],
    [{ speed: '2' }, 'speed'],
  ] as const) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ model, file: await file(), ...fields })) {
      form.set(name, value);
    }
    const request = new Request('http://localhost/v1/audio/transcriptions', {
      method: 'POST',
      body: form,
    });
    const response = await handler(request);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  }
  const none = await toFile(Buffer.from('no sound'), 'one.wav');
  await expect(create({ model, file: none })).rejects.toMatchObject({ status: 400 });
  const unknown = create({ model, file: await file(), language: 'xx' });
  await expect(unknown).rejects.toMatchObject({ status: 400 });
});
