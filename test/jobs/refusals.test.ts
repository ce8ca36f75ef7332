// What functions over shards refuse before they begin.
import { expect, test } from 'vitest';
import { classifyShard, embedShard, generateShard, transcribeShard } from 'webgpu-transformer/jobs';
import { expectRejection } from '../support/rejection.ts';
import { cpuVectors } from '../support/shards.ts';

const embed = await cpuVectors();
const right = { modelId: 'tiny@1' };

test.each([
  ['a pipeline of another task', [5 as never, 'a.jsonl', 'out', right], 'INPUT_INVALID'],
  ['no shard', [embed, '', 'out', right], 'INPUT_INVALID'],
  ['no folder', [embed, 'a.jsonl', undefined as never, right], 'INPUT_INVALID'],
  ['no options', [embed, 'a.jsonl', 'out', null as never], 'INPUT_INVALID'],
  ['no model', [embed, 'a.jsonl', 'out', {} as never], 'OPTION_INVALID'],
  [
    'unknown options',
    [embed, 'a.jsonl', 'out', { ...right, columns: 'a' } as never],
    'OPTION_UNKNOWN',
  ],
  ['a format', [embed, 'a.jsonl', 'out', { ...right, format: 'csv' as never }], 'OPTION_INVALID'],
  ['no whole number', [embed, 'a.jsonl', 'out', { ...right, window: 0.5 }], 'OPTION_INVALID'],
  ['a report', [embed, 'a.jsonl', 'out', { ...right, onProgress: 5 as never }], 'OPTION_INVALID'],
  ['a signal', [embed, 'a.jsonl', 'out', { ...right, signal: {} as never }], 'OPTION_INVALID'],
  [
    'ids in safetensors',
    [embed, 'a.jsonl', 'out', { ...right, id: 'a', format: 'safetensors' as const }],
    'OPTION_INVALID',
  ],
  [
    'vectors of tokens',
    [embed, 'a.jsonl', 'out', { ...right, pipelineOptions: { pooling: 'none' as const } }],
    'OPTION_INVALID',
  ],
  [
    'what stands elsewhere',
    [embed, 'a.jsonl', 'out', { ...right, pipelineOptions: { truncation: true } as never }],
    'OPTION_INVALID',
  ],
  [
    'an unknown option of the pipeline',
    [embed, 'a.jsonl', 'out', { ...right, pipelineOptions: { normalise: true } as never }],
    'OPTION_UNKNOWN',
  ],
] as const)('%s', async (_, args, code) => {
  await expectRejection(embedShard(...(args as Parameters<typeof embedShard>)), code);
});

test('the pipeline of another function', async () => {
  const given = [embed as never, 'a.jsonl', 'out', right as never] as const;
  const wanted = ['INPUT_INVALID', 'The pipeline is "feature-extraction"'] as const;
  await expectRejection(classifyShard(...given), ...wanted);
  await expectRejection(generateShard(...given), ...wanted);
  await expectRejection(transcribeShard(...given), ...wanted);
  expect(embed.task).toBe('feature-extraction');
});
