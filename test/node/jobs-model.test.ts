// The fleet of workers on paper and simulated (bench/jobs), and the figures of docs/about/jobs-model.md.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { estimate } from '../../bench/jobs/estimate.ts';
import { type Fleet, fleet } from '../../bench/jobs/fleet.ts';
import { simulate } from '../../bench/jobs/simulate.ts';
import { queueDefaults, supervision as watch } from '../../src/cli/jobs/defaults.ts';
import { root } from '../support/cli.ts';

// The tables take some ten seconds of one core.
vi.setConfig({ testTimeout: 180_000 });

/** Nothing happens by chance: a shard takes 2 + 98 s. */
const even: Fleet = {
  ...fleet,
  documents: 400,
  tokens: 98,
  tokenSpread: 0,
  workers: 4,
  speed: 100,
  speedSpread: 0,
  shard: 100,
  failures: 0,
  stalls: 0,
};
const quiet = { again: 0, deadLetters: 0, falseExpiries: 0 };

function bench(...options: readonly string[]): SpawnSyncReturns<string> {
  const command = ['bench/run.mjs', '--jobs', ...options];
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', timeout: 120_000 });
}

test('a fleet that nothing happens to takes as long as its shards one after the other', () => {
  expect(simulate(even, 0)).toEqual({ seconds: 100, ...quiet });
  expect(simulate({ ...even, workers: 1 }, 0)).toEqual({ seconds: 400, ...quiet });
  expect(simulate({ ...even, workers: 3 }, 0)).toEqual({ seconds: 200, ...quiet });
  // Three shards of 100 documents and one of 50.
  expect(simulate({ ...even, documents: 350, workers: 1 }, 0).seconds).toBe(3 * 100 + 51);
});

test('a lease that is not renewed and shorter than a shard sends the shard round', () => {
  const short = { ...even, lease: 60, renewal: 0, delay: 0 };
  // At 60 s the queue takes every shard back, and nobody is free; at 100 s all are done.
  expect(simulate(short, 0)).toEqual({ seconds: 100, ...quiet, falseExpiries: 4 });
  // The fifth worker takes one of them up, and has done 40 % of it when all is over.
  const helped = simulate({ ...short, workers: 5 }, 0);
  expect(helped).toEqual({ seconds: 100, ...quiet, falseExpiries: 4, again: 0.4 / 4 });
  // After a delay of 10 s it has done 30 %.
  const delayed = simulate({ ...short, workers: 5, delay: 10 }, 0);
  expect(delayed).toEqual({ ...helped, again: 0.3 / 4 });
  const refused = { seconds: 60, again: 0.6, deadLetters: 4, falseExpiries: 4 };
  expect(simulate({ ...short, retries: 0 }, 0)).toEqual(refused);
});

test('what dead workers did is computed again, and every shard is settled', () => {
  const dying = { ...even, documents: 40_000, failures: 4 };
  const { seconds, again, deadLetters, falseExpiries } = simulate({ ...dying, retries: 1000 }, 1);
  expect(seconds).toBeGreaterThan(10_000);
  // By the formula each attempt is lost with probability λ·w, half done.
  expect(again).toBeGreaterThan(0.03);
  expect(again).toBeLessThan(0.1);
  expect({ deadLetters, falseExpiries }).toEqual({ deadLetters: 0, falseExpiries: 0 });
  const given = simulate({ ...dying, retries: 0 }, 1);
  // 400 shards, each lost with probability 1 - e^(-1/9).
  expect(given.deadLetters).toBeGreaterThan(25);
  expect(given.deadLetters).toBeLessThan(60);
});

test('workers that stand still lose a shard where its lease is short, and go on where it is long', () => {
  const still = { ...even, documents: 40_000, stalls: 20, stall: 30 };
  expect(simulate({ ...still, lease: 1e5, renewal: 1 }, 2)).toMatchObject(quiet);
  const short = simulate({ ...still, lease: 10, renewal: 3, supervision: 1 }, 2);
  expect(short.falseExpiries).toBeGreaterThan(50);
  expect(short.again).toBeGreaterThan(0.05);
});

test('a seed gives the same again, another seed something else', () => {
  const small = { ...fleet, documents: 100_000, workers: 7 };
  expect(simulate(small, 5)).toEqual(simulate(small, 5));
  expect(simulate(small, 5).seconds).not.toBe(simulate(small, 6).seconds);
});

test('the formulas agree with the simulation of the fleet of the page', () => {
  const found = [0, 1, 2, 3].map((seed) => simulate(fleet, seed).seconds / 4);
  const seconds = found.reduce((sum, value) => sum + value);
  expect(Math.abs(seconds / estimate(fleet).seconds - 1)).toBeLessThan(0.02);
});

test('the tables of the page are what the program prints, and its text has no other figures', async () => {
  const page = await readFile(path.join(root, 'docs/about/jobs-model.md'), 'utf8');
  const { stdout, stderr, status } = bench();
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const tables = stdout.split('\n\n').filter((part) => part.startsWith('|'));
  expect(tables).toHaveLength(7);
  for (const table of tables) expect(page).toContain(`\n\n${table}\n`);
  const text = (page.split('## Simulated')[1] ?? '').split('## Your fleet')[0] ?? '';
  const prose = text.split('\n').filter((line) => !line.startsWith('|'));
  const figures = prose.join('\n').match(/\d+\.\d+/g) ?? [];
  expect(figures.length).toBeGreaterThan(0);
  const cells = tables.join(' ').match(/[\d.,]+/g);
  for (const figure of figures) expect(cells).toContain(figure);
});

test('the fleet of the page has the defaults of jobs', () => {
  const { lease, retries, delay, supervision, renewal } = fleet;
  expect({ lease, retries, delay }).toEqual(queueDefaults);
  expect(supervision).toBe(watch);
  // As a worker renews it.
  expect(renewal).toBe(lease / 3);
});

test('a fleet of one’s own is worked out, and a wrong number refused', () => {
  const own = bench('--speed', '4000', '--workers', '10', '--documents', '1e5');
  expect(own.stdout).toContain('| ideal time | T₀ = N·t / (W·v) | 640 s = 0.18 h |');
  expect(own.stdout).toMatch(/Simulated 20 times: 0\.\d\d h, at most 0\.\d\d h; /);
  const wrong = bench('--workers', '0');
  expect(wrong.stderr).toContain('--workers is 0; wanted a number from 1.');
  expect(wrong.status).toBe(1);
});
