// Shards on disk for tests of jobs, and models on the CPU to work on them.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Pipelines } from 'webgpu-transformer';
import type { TaskParts } from '../../src/tasks/task.ts';
import { featureExtraction } from '../../src/tasks/text/feature-extraction.ts';
import { cpuParts } from './tasks.ts';

/** A folder for the files of a test, taken away behind it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shards-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes rows as JSONL. Result: the path. */
export async function writeShard(
  folder: string,
  rows: readonly object[],
  name = 'part-7.jsonl',
): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return place;
}

/** The rows of a JSONL file. */
export async function readShard(place: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(place, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Texts of unlike lengths. */
export function textsOf(count: number): string[] {
  const words = ['the', 'film', 'was', 'good', 'Marie', 'Curie', 'and', 'who'];
  return Array.from({ length: count }, (_, row) =>
    Array.from({ length: 1 + ((row * 7) % 11) }, (__, at) => words[(row + at * 3) % 8]).join(' '),
  );
}

/** A pipeline that gives the vectors of a tiny BERT on the CPU, with a part of it changed. */
export async function cpuVectors(
  change: (parts: TaskParts) => Partial<TaskParts['model']> = () => ({}),
): Promise<Pipelines['feature-extraction']> {
  const parts = await cpuParts('bert/features');
  const { model, tokenizer } = parts;
  const changed = {
    config: model.config,
    maxPositions: model.maxPositions,
    forward: model.forward.bind(model),
    ...change(parts),
  } as TaskParts['model'];
  const made = featureExtraction({ model: changed, tokenizer });
  const pipeline = Object.assign(made, { task: 'feature-extraction', model: changed, tokenizer });
  return pipeline as unknown as Pipelines['feature-extraction'];
}
