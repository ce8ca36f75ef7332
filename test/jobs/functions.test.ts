// Each function over a shard beside its pipeline, called row by row.
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, pipeline } from 'webgpu-transformer';
import { classifyShard, embedShard, generateShard, transcribeShard } from 'webgpu-transformer/jobs';
import { readRecords } from 'webgpu-transformer/training';
import { fixtureSource, memorySource } from '../support/source.ts';
import { inFolder, readShard, textsOf, writeShard } from '../support/shards.ts';
import { expectAlike, taskFiles } from '../support/tasks.ts';

let gpu: Gpu;
const texts = textsOf(23);
const modelId = 'tiny@1';
/** As between batches of other sizes. */
const slack = { relative: 1e-4, absolute: 1e-5 };

beforeAll(async () => {
  gpu = await Gpu.request();
});

afterAll(() => {
  gpu.dispose();
});

test.each(['embeddings', 'feature-extraction'] as const)('vectors of %s', async (task) => {
  const embed = await pipeline(task, memorySource(await taskFiles('bert/features')), { gpu });
  await inFolder(async (folder) => {
    const shard = await writeShard(
      folder,
      texts.map((text, row) => ({ text, name: `n${row}` })),
    );
    const seen: number[] = [];
    const pipelineOptions = { normalize: true };
    const { path: place, ...rest } = await embedShard(embed, shard, folder, {
      modelId,
      id: 'name',
      window: 8,
      batchTokens: 40,
      pipelineOptions,
      onProgress: ({ rows }) => seen.push(rows),
    });
    expect(rest).toEqual({ status: 'written', rows: 23 });
    expect(path.basename(place)).toMatch(/^part-7\.[\da-f]{12}\.jsonl$/);
    const rows = await readShard(place);
    expect(rows.map(({ id }) => id)).toEqual(texts.map((_, row) => `n${row}`));
    const isPooled = task === 'feature-extraction';
    for (const [row, text] of texts.entries()) {
      const { data } = await embed(text, {
        ...pipelineOptions,
        ...(isPooled && { pooling: 'mean' as const }),
      });
      expectAlike(rows[row]!['embedding'], [...data], slack, text);
    }
    expect(seen.at(-1)).toBe(23);
    expect(seen.length).toBeGreaterThan(6);
  });
  embed.dispose();
});

test('labels, of pairs of texts too, as JSONL and as Parquet', async () => {
  const files = memorySource(await taskFiles('bert/nli'));
  const classify = await pipeline('text-classification', files, { gpu });
  await inFolder(async (folder) => {
    const pairs = texts.map((text, row) => ({ text, textPair: texts[(row + 5) % 23]! }));
    const shard = await writeShard(folder, pairs);
    const options = { modelId, window: 10, batchTokens: 64 };
    const best = await classifyShard(classify, shard, folder, options);
    const asked = { ...options, pairColumn: 'textPair', pipelineOptions: { topK: null } };
    const all = await classifyShard(classify, shard, folder, { ...asked, format: 'parquet' });
    const bestRows = await readShard(best.path);
    const allRows = await readRecords(all.path);
    expect(allRows.map(({ id }) => id)).toEqual(pairs.map((_, row) => row));
    for (const [row, pair] of pairs.entries()) {
      const [one] = await classify(pair.text);
      expectAlike(bestRows[row], { id: row, ...one }, slack, pair.text);
      const found = await classify(pair, { topK: null });
      const { labels, scores } = allRows[row] as { labels: string[]; scores: number[] };
      const labelled = labels.map((label, at) => ({ label, score: scores[at] }));
      expectAlike(labelled, found, slack, pair.textPair);
    }
  });
  classify.dispose();
});

test('texts that go on from prompts and chats', async () => {
  const generate = await pipeline('text-generation', memorySource(await taskFiles('gpt2')), {
    gpu,
  });
  await inFolder(async (folder) => {
    const chat = [{ role: 'user', content: 'Marie Curie' }];
    const prompts = [...texts.slice(0, 9), chat];
    const shard = await writeShard(
      folder,
      prompts.map((prompt) => ({ prompt })),
    );
    const pipelineOptions = { maxNewTokens: 5 };
    const asked = { modelId, column: 'prompt', pipelineOptions, batchTokens: 48 };
    const { path: place } = await generateShard(generate, shard, folder, asked);
    const rows = await readShard(place);
    const call = { ...pipelineOptions, returnFullText: false } as const;
    for (const [row, prompt] of prompts.entries()) {
      const one = typeof prompt === 'string' ? generate(prompt, call) : generate(prompt, call);
      const [answer] = await one;
      expect(rows[row]).toEqual({ id: row, ...answer });
    }
    const several = { ...pipelineOptions, numBeams: 2, numReturnSequences: 2 };
    const lists = await generateShard(generate, shard, folder, {
      ...asked,
      pipelineOptions: several,
    });
    const found = await generate(texts[3]!, { ...several, returnFullText: false });
    expect((await readShard(lists.path))[3]).toEqual({
      id: 3,
      generatedTexts: found.map(({ generatedText }) => generatedText),
    });

    const drawing = { maxNewTokens: 5, doSample: true };
    const drawn = generateShard(generate, shard, folder, { ...asked, pipelineOptions: drawing });
    await expect(drawn).rejects.toThrow('without a seed');
    const long = generateShard(generate, shard, folder, {
      ...asked,
      pipelineOptions: { maxNewTokens: generate.model.maxPositions },
    });
    await expect(long).rejects.toThrow(/^Row \d+ of .* takes \d+ tokens; this model reads/);
  });
  generate.dispose();
});

test('what is said in sounds, by name', async () => {
  const files = fixtureSource('whisper_task');
  const hear = await pipeline('automatic-speech-recognition', files, { gpu });
  await inFolder(async (folder) => {
    const names = ['two.wav', 'one.wav'];
    for (const name of names) {
      const from = path.join(import.meta.dirname, '../fixtures/whisper_task', name);
      await copyFile(from, path.join(folder, name));
    }
    const shard = await writeShard(
      folder,
      names.map((file) => ({ file })),
    );
    const options = { modelId, column: 'file' };
    const { path: plain } = await transcribeShard(hear, shard, folder, options);
    const timed = await transcribeShard(hear, new URL(`file://${shard}`), folder, {
      ...options,
      pipelineOptions: { returnTimestamps: true },
    });
    const [plainRows, timedRows] = [await readShard(plain), await readShard(timed.path)];
    for (const [row, name] of names.entries()) {
      const sound = path.join(folder, name);
      expect(plainRows[row]).toEqual({ id: row, ...(await hear(sound)) });
      expect(timedRows[row]).toEqual({
        id: row,
        ...(await hear(sound, { returnTimestamps: true })),
      });
    }
    const wrong = await writeShard(folder, [{ file: '../one.wav' }], 'wrong.jsonl');
    const leaving = transcribeShard(hear, wrong, folder, options);
    await expect(leaving).rejects.toThrow(/^Row 1 of .*wrong.jsonl: The file name/);
    const missing = await writeShard(folder, [{ file: 'none.wav' }], 'missing.jsonl');
    const looked = transcribeShard(hear, missing, folder, options);
    await expect(looked).rejects.toThrow(/^Row 1 of .*missing.jsonl: Looked for none.wav/);
  });
  hear.dispose();
});
