// scripts/deepen-encoder.mjs: a translator with one more layer answers as it did.
import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { root } from '../support/cli.ts';
import { temporaryFolder } from '../support/runs.ts';

vi.setConfig({ testTimeout: 120_000 });

const script = path.join(root, 'scripts', 'deepen-encoder.mjs');
const deepen = (...folders: string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, [script, ...folders]);
const model = path.join(root, 'models', 'phrases');

test('the deeper model gives the same numbers', async () => {
  const folder = await temporaryFolder('deepen-encoder');
  await deepen(model, folder);
  using translate = await pipeline('translation', model);
  using deeper = await pipeline('translation', folder);
  const layersOf = ({ config }: { config: Readonly<Record<string, unknown>> }): unknown =>
    config['encoder_layers'];
  expect(layersOf(deeper.model)).toBe(Number(layersOf(translate.model)) + 1);
  expect(deeper.model.config['score_calibration']).toBeUndefined();
  const inputs = {
    inputIds: [translate.encode('Saturday, November 21, 2026', { to: 'fr' })],
    decoderInputIds: [[0, ...translate.tokenizer.encode('samedi 21 novembre 2026')]],
  };
  const { logits: before } = await translate.model.forward(inputs);
  const { logits: after } = await deeper.model.forward(inputs);
  expect(after!.shape).toEqual(before!.shape);
  const furthest = before!.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - after!.data[i]!)),
    0,
  );
  // A row of variance 1 is normalized once more, with an epsilon of 1e-5.
  expect(furthest).toBeGreaterThan(0);
  expect(furthest).toBeLessThan(2e-4);
});

test('other layouts are refused', async () => {
  const folder = await temporaryFolder('deepen-encoder');
  await cp(model, folder, { recursive: true });
  const config = path.join(folder, 'config.json');
  const settings = await readFile(config, 'utf8');
  await writeFile(
    config,
    settings.replace('"normalize_before": false', '"normalize_before": true'),
  );
  await expect(deepen(folder, `${folder}-out`)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no Marian model that normalizes after its sums') as string,
  });
  await expect(deepen(model)).rejects.toMatchObject({ code: 2 });
});
