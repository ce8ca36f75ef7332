// docs/models.md says what there is: `vitest -u` writes it anew.
import { expect, test } from 'vitest';
import { type KnownModel, knownModels } from '../../docs/known-models/index.ts';
import { architectureNames } from '../../src/model/architectures.ts';
import { gpuBytesOf } from '../../src/model/model-size.ts';
import { elements } from '../../src/runtime/tensor.ts';
import { tasksFor } from '../../src/cli/describe.ts';
import { untrained, withoutLoss } from '../../src/training/declarations.ts';
import { tensorShapes } from '../../src/training/initialize.ts';

const formats = ['f32', 'f16', 'int8', 'int4'] as const;

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function megabytes(bytes: number): string {
  const size = bytes / 1e6;
  return size.toLocaleString('en-US', { maximumFractionDigits: size < 100 ? 1 : 0 });
}

function rowOf({ name, config, more = {} }: KnownModel): string {
  const shapes = new Map([...tensorShapes(config), ...Object.entries(more)]);
  const entries = [...shapes].map(([tensor, shape]) => ({
    name: tensor,
    shape,
    dtype: 'F32' as const,
    file: '',
    start: 0,
    end: 4 * elements(shape),
  }));
  const parameters = entries.reduce((sum, { shape }) => sum + elements(shape), 0);
  const bytes = gpuBytesOf(entries);
  return row(
    `\`${name}\``,
    `\`${String(config['model_type'])}\``,
    megabytes(parameters),
    ...formats.map((format) => megabytes(bytes[format])),
  );
}

function trainsOf(name: string): string {
  if (withoutLoss.has(name)) return 'has no loss';
  return untrained.has(name) ? 'not yet' : 'yes';
}

test('the tables of models are true', async () => {
  const parts = Object.entries(knownModels).map(([task, models]) =>
    [
      `## ${task}`,
      '',
      row(
        '`hf:` …',
        '`model_type`',
        'parameters, millions',
        ...formats.map((name) => `${name}, MB`),
      ),
      row('---', '---', '--:', ...formats.map(() => '--:')),
      ...models.map(rowOf),
    ].join('\n'),
  );
  // PyTorch's own modules have no such type.
  const names = (await architectureNames()).filter((name) => /^[\w-]+$/.test(name)).toSorted();
  const text = [
    '# Models',
    '',
    `This version runs ${names.length} kinds of models. Those that train do so with the labels of their heads.`,
    '',
    row('`model_type` of config.json', 'trains'),
    row('---', '---'),
    ...names.map((name) => row(`\`${name}\``, trainsOf(name))),
    '',
    'Of `gemma3`, `gemma3n`, `gemma4` and `gemma4_unified` the part that reads texts is loaded, as their `…_text`.',
    '',
    'Repositories to begin with, by task, as typed in by hand on 2026-11-29: parameters, and what the weights take on the',
    'GPU in each format.',
    '',
    ...parts.flatMap((part) => [part, '']),
  ].join('\n');
  await expect(text).toMatchFileSnapshot('../../docs/models.md');
});

test('each model fits the task that it stands under', async () => {
  for (const [task, models] of Object.entries(knownModels)) {
    for (const { name, config } of models) {
      const [architecture] = config['architectures'] as [string];
      const tasks = await tasksFor(config, architecture);
      expect(tasks, `tasks of ${name}`).toContain(task);
    }
  }
});
