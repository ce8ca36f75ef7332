// Shards and outputs as files: formats, names, what is refused, what is left behind.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { embedShard, type EmbedShardOptions, type ShardResult } from 'webgpu-transformer/jobs';
import { readRecords } from 'webgpu-transformer/training';
import { openSafetensorsFile } from '../../src/source/safetensors.ts';
import { directorySource } from '../../src/node/directory-source.ts';
import { readTensorsOf } from '../support/entries.ts';
import { expectRejection } from '../support/rejection.ts';
import { cpuVectors, inFolder, readShard, textsOf, writeShard } from '../support/shards.ts';

const embed = await cpuVectors();
const modelId = 'tiny@1';
const texts = textsOf(10);
const width = Number(embed.model.config['hidden_size']);

/** Expects a refusal, and an output folder as it was. */
async function expectRefusedShard(
  work: (out: string) => Promise<ShardResult>,
  folder: string,
  ...wanted: Parameters<typeof expectRejection> extends [unknown, ...infer Rest] ? Rest : never
): Promise<void> {
  const out = path.join(folder, 'out');
  await mkdir(out, { recursive: true });
  const before = await readdir(out);
  await expectRejection(work(out), ...wanted);
  expect(await readdir(out)).toEqual(before);
}

test('every format of a shard gives the same rows, and every format of an output', async () => {
  await inFolder(async (folder) => {
    const shard = await writeShard(
      folder,
      texts.map((text) => ({ text })),
    );
    const csv = path.join(folder, 'part-8.csv');
    await writeFile(csv, `text\n${texts.join('\n')}\n`);
    const lines = path.join(folder, 'lines');
    await writeFile(lines, texts.join('\n'));
    const options = { modelId, window: 4 };
    const first = await embedShard(embed, shard, folder, options);
    const wanted = await readShard(first.path);
    expect(wanted.map(({ id }) => id)).toEqual(texts.map((_, row) => row));

    const parquet = await embedShard(embed, csv, folder, { ...options, format: 'parquet' });
    const close = (values: unknown): unknown =>
      (values as number[]).map((x) => Number(x.toPrecision(9)));
    const rows = await readRecords(parquet.path);
    expect(rows.map((row) => ({ ...row, embedding: close(row['embedding']) }))).toEqual(wanted);

    const again = await embedShard(embed, parquet.path, folder, {
      ...options,
      column: 'label',
      inputFormat: 'parquet',
    }).catch((error: unknown) => error);
    expect(String(again)).toContain('has no "label"; it has "id", "embedding"');

    const tensors = await embedShard(embed, lines, folder, {
      ...options,
      format: 'safetensors',
      inputFormat: 'text',
    });
    const entries = await openSafetensorsFile(directorySource(folder), path.basename(tensors.path));
    expect(entries.get('embedding')).toMatchObject({ dtype: 'F32', shape: [10, width] });
    const { bytes } = readTensorsOf(new Uint8Array(await readFile(tensors.path)))['embedding']!;
    expect(
      [...new Float32Array(bytes.slice().buffer)].map((x) => Number(x.toPrecision(9))),
    ).toEqual(wanted.flatMap(({ embedding }) => embedding));
  });
});

test('rows of Parquet, group by group, are those of JSONL', async () => {
  await inFolder(async (folder) => {
    const { parquetWriteFile } = await import('hyparquet-writer');
    const filename = path.join(folder, 'part-9.parquet');
    const columnData = [
      { name: 'text', data: texts, type: 'STRING' as const },
      { name: 'name', data: texts.map((_, row) => `n${row}`), type: 'STRING' as const },
    ];
    parquetWriteFile({ filename, columnData, rowGroupSize: 3 });
    const shard = await writeShard(
      folder,
      texts.map((text, row) => ({ text, name: `n${row}` })),
    );
    const options = { modelId, id: 'name', window: 4 };
    const [a, b] = [
      await embedShard(embed, filename, folder, options),
      await embedShard(embed, shard, folder, options),
    ];
    expect(await readFile(a.path, 'utf8')).toBe(await readFile(b.path, 'utf8'));
    const named = await embedShard(embed, shard, folder, { ...options, format: 'parquet' });
    expect((await readRecords(named.path)).map(({ id }) => id)).toEqual(columnData[1]!.data);
  });
});

test.each(['jsonl', 'parquet', 'safetensors'] as const)('an empty shard as %s', async (format) => {
  await inFolder(async (folder) => {
    const shard = await writeShard(folder, []);
    const options = { modelId, format };
    const { path: place, rows } = await embedShard(embed, shard, folder, options);
    expect(rows).toBe(0);
    if (format === 'jsonl') expect(await readShard(place)).toEqual([]);
    if (format === 'parquet') await expectRejection(readRecords(place), 'FILE_INVALID', 'no rows');
    if (format === 'safetensors') {
      const entries = await openSafetensorsFile(directorySource(folder), path.basename(place));
      expect(entries.get('embedding')!.shape).toEqual([0, 0]);
    }
  });
});

test('a name follows from shard, model and options alone, and a finished output is kept or refused', async () => {
  await inFolder(async (folder) => {
    const shard = await writeShard(
      folder,
      texts.map((text) => ({ text })),
    );
    const out = path.join(folder, 'out');
    const first = await embedShard(embed, shard, out, { modelId });
    const bytes = await readFile(first.path);
    await expectRejection(embedShard(embed, shard, out, { modelId }), 'FILE_UNWRITABLE', 'resume');
    const batched = { modelId, resume: true, batchTokens: 30, window: 3 };
    expect(await embedShard(embed, shard, out, batched)).toEqual({
      path: first.path,
      status: 'kept',
    });
    expect(await readFile(first.path)).toEqual(bytes);

    const copy = await writeShard(
      await subfolder(folder),
      texts.map((text) => ({ text })),
    );
    expect((await embedShard(embed, copy, out, batched)).status).toBe('kept');

    const others: EmbedShardOptions[] = [
      { modelId: 'tiny@2' },
      { modelId, tooLong: 'truncate' },
      { modelId, pipelineOptions: { normalize: true } },
      { modelId, pipelineOptions: { pooling: 'cls' } },
      { modelId, format: 'safetensors' },
    ];
    const paths = new Set([first.path]);
    for (const one of others) paths.add((await embedShard(embed, shard, out, one)).path);
    await writeShard(
      folder,
      texts.slice(1).map((text) => ({ text })),
    );
    paths.add((await embedShard(embed, shard, out, { modelId, resume: true })).path);
    expect(paths.size).toBe(7);
    expect((await readdir(out)).toSorted()).toEqual(
      [...paths].map((place) => path.basename(place)).toSorted(),
    );
  });
});

async function subfolder(folder: string): Promise<string> {
  const made = path.join(folder, 'elsewhere');
  await mkdir(made);
  return made;
}

test('what is wrong with a row names it, and leaves nothing behind', async () => {
  await inFolder(async (folder) => {
    const run =
      (shard: string, options: Partial<EmbedShardOptions> = {}) =>
      (out: string) =>
        embedShard(embed, shard, out, { modelId, window: 2, ...options });
    const rows = texts.map((text) => ({ text }));
    const broken = path.join(folder, 'broken.jsonl');
    await writeFile(broken, `${JSON.stringify(rows[0])}\n\n{"text": \n`);
    await expectRefusedShard(run(broken), folder, 'FILE_INVALID', 'broken.jsonl, line 3');
    const ragged = path.join(folder, 'ragged.csv');
    await writeFile(ragged, 'text,b\na,1\nb,2,3\n');
    await expectRefusedShard(run(ragged), folder, 'FILE_INVALID', 'Row 2 of', 'ragged.csv');
    const shard = await writeShard(folder, [...rows, { other: 1 }]);
    const lacks = ['FILE_INVALID', 'Row 11 of', 'has no "text"; it has "other"'] as const;
    await expectRefusedShard(run(shard), folder, ...lacks);
    const wrong = await writeShard(folder, [...rows, { text: 5 }]);
    await expectRefusedShard(run(wrong), folder, 'FILE_INVALID', 'Row 11 of', 'has 5 as "text"');
    const ids = await writeShard(folder, [
      { text: 'a', id: 'a' },
      { text: 'b', id: [1] },
    ]);
    await expectRefusedShard(run(ids, { id: 'id' }), folder, 'FILE_INVALID', 'Row 2 of', 'as "id"');
    const missing = path.join(folder, 'none.jsonl');
    await expectRefusedShard(run(missing), folder, 'FILE_NOT_FOUND', 'none.jsonl');
  });
});

test('texts that are too long are refused by their row, or cut as the pipeline cuts them', async () => {
  await inFolder(async (folder) => {
    const text = 'the film was good '.repeat(30);
    for (const long of [text, text.repeat(20)]) {
      const shard = await writeShard(folder, [{ text: 'Marie' }, { text: long }]);
      await expectRefusedShard(
        (out) => embedShard(embed, shard, out, { modelId }),
        folder,
        'INPUT_INVALID',
        'Row 2 of',
        'tokens',
      );
      const cut = await embedShard(embed, shard, folder, { modelId, tooLong: 'truncate' });
      const { data } = await embed(long, { pooling: 'mean', truncation: true });
      const [, row] = await readShard(cut.path);
      expect((row!['embedding'] as number[]).map(Math.fround)).toEqual([...data]);
    }
  });
});

test('numbers that are none are refused by their row', async () => {
  const spoilt = await cpuVectors(({ model, tokenizer }) => ({
    forward: async (inputs) => {
      const output = await model.forward(inputs);
      const long = inputs.inputIds[0]!.length > tokenizer.encoding('Marie').ids.length;
      return long ? { ...output, lastHiddenState: spoil(output.lastHiddenState!) } : output;
    },
  }));
  await inFolder(async (folder) => {
    const shard = await writeShard(folder, [{ text: 'Marie' }, { text: 'Marie Curie' }]);
    await expectRefusedShard(
      (out) => embedShard(spoilt, shard, out, { modelId, batchTokens: 1 }),
      folder,
      'VALIDATION_FAILED',
      'Row 2 of',
    );
  });
});

function spoil({ data, shape }: { data: Float32Array; shape: readonly number[] }): {
  data: Float32Array;
  shape: readonly number[];
} {
  return { data: data.map((x, at) => (at === 5 ? NaN : x)), shape };
}

test('while the model has a batch, the next one is encoded, and no more than that', async () => {
  const events: string[] = [];
  let batch = 0;
  const slow = await cpuVectors(({ model }) => ({
    forward: async (inputs) => {
      const number = ++batch;
      events.push(`begin ${number}`);
      const output = await model.forward(inputs);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      events.push(`end ${number}`);
      return output;
    },
  }));
  const { tokenizer } = slow;
  const encoding = tokenizer.encoding.bind(tokenizer);
  tokenizer.encoding = (...args) => {
    events.push('encode');
    return encoding(...args);
  };
  await inFolder(async (folder) => {
    // Two rows a batch, and two windows.
    const shard = await writeShard(
      folder,
      Array.from({ length: 8 }, () => ({ text: 'Marie' })),
    );
    const tokens = 2 * encoding('Marie').ids.length;
    const options = { modelId, batchTokens: tokens, window: 4 };
    await embedShard(slow, shard, folder, options);
  });
  // A batch is full where the row behind it has been encoded, too.
  expect(events.join(', ').split(/(?<=end \d), /)).toEqual([
    'encode, encode, encode, begin 1, encode, end 1',
    'begin 2, encode, encode, encode, end 2',
    'begin 3, encode, end 3',
    'begin 4, end 4',
  ]);
});

test('a signal, and a report that throws, end the call and leave nothing', async () => {
  await inFolder(async (folder) => {
    const shard = await writeShard(
      folder,
      texts.map((text) => ({ text })),
    );
    const options = { modelId, batchTokens: 20, window: 4 };
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ rows }: { rows: number }): void => {
      seen.push(rows);
      if (rows >= 4) stop.abort();
    };
    const { signal } = stop;
    const aborted = (out: string) =>
      embedShard(embed, shard, out, { ...options, signal, onProgress });
    await expectRefusedShard(aborted, folder, 'ABORTED');
    expect(seen.at(-1)).toBeLessThan(10);
    const out = path.join(folder, 'out');
    const failing = embedShard(embed, shard, out, {
      ...options,
      onProgress: () => {
        throw new RangeError('the lease is lost');
      },
    });
    await expect(failing).rejects.toThrow('the lease is lost');
    expect(await readdir(out)).toEqual([]);
  });
});

test('what killed processes left is taken away, and what others write is not', async () => {
  await inFolder(async (folder) => {
    const shard = await writeShard(
      folder,
      texts.map((text) => ({ text })),
    );
    const name = path.basename((await embedShard(embed, shard, folder, { modelId })).path);
    const out = path.join(folder, 'out');
    await mkdir(out);
    const here = hostname()
      .replaceAll(/[^\w-]/g, '_')
      .slice(0, 40);
    const [left, before, running, elsewhere] = [
      `${name}.${here}.4194305-1.partial`,
      `${name}.${here}.${process.pid}-0.partial`,
      `${name}.${here}.${process.ppid}-1.partial`,
      `${name}.other-${here}.4194305-1.partial`,
    ];
    for (const one of [left, before, running, elsewhere]) await writeFile(path.join(out, one), '');
    await embedShard(embed, shard, out, { modelId });
    expect((await readdir(out)).toSorted()).toEqual([name, running, elsewhere].toSorted());
  });
});
