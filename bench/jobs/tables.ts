// The tables of docs/about/jobs-model.md, in Markdown.

import { estimate } from './estimate.ts';
import { type Fleet, fleet } from './fleet.ts';
import { type Outcome, simulate } from './simulate.ts';

/** Every outcome is the mean of so many runs, from as many seeds. */
export const runs = 20;

/** All of them, by their captions. */
export function* tables(): Generator<readonly [caption: string, table: string]> {
  yield ['The model, worked', worked(fleet)];
  yield ['Documents of a shard', shardSizes()];
  yield ['Percent above the ideal time, by speed and documents of a shard', speeds()];
  yield ['The lease, renewed three times in its length', leases(3)];
  yield ['The lease, never renewed', leases(0)];
  yield ['Failures of a worker per hour', failures()];
  yield ['Retries', retries()];
}

/** The formulas with the numbers of a fleet. */
export function worked(one: Fleet): string {
  const { ideal, shardSeconds, bestShardSeconds, ...model } = estimate(one);
  const perHour = (model.seconds / 3600) * one.workers;
  const shards = Math.ceil(one.documents / one.shard);
  const bestShard = ((bestShardSeconds - one.overhead) * one.speed) / one.tokens;
  return table(
    ['quantity', 'formula', 'value'],
    [
      ['ideal time', 'T₀ = N·t / (W·v)', `${seconds(ideal)} s = ${hours(ideal)} h`],
      ['a shard', 'w = o + S·t / v', `${seconds(shardSeconds)} s`],
      ['overhead', 'o·v / (S·t)', percent(model.overhead)],
      ['failures', 'λ·(w/2 + R)', percent(model.failures)],
      ['stalls', 'σ·D', percent(model.stalls)],
      ['tail', 'w·(v/u − 1/2)', `${seconds(model.tail)} s`],
      [
        'time',
        'T = T₀·(1 + overhead + failures + stalls) + tail',
        `${seconds(model.seconds)} s = ${hours(model.seconds)} h`,
      ],
      ['GPU hours', 'W·T', perHour.toFixed(0)],
      [
        'best shard',
        'w* = √(2·o / (λ + 2·(v/u − 1/2) / T₀))',
        `${seconds(bestShardSeconds)} s, ${bestShard.toFixed(0)} documents`,
      ],
      ['computed again', 'λ·w/2', percent(model.lostAttempts / 2)],
      ['a death at the end', '1 − e^(−W·λ·w)', percent(model.deathAtEnd)],
      ['dead letters', '(N/S)·(λ·w)^(retries + 1)', deadLetters(shards, model.lostAttempts, one)],
    ],
  );
}

function deadLetters(shards: number, lost: number, { retries: again }: Fleet): string {
  return (shards * lost ** (again + 1)).toPrecision(1);
}

function shardSizes(): string {
  const sizes = [100, 500, 1000, 2000, 5000, 10_000, 50_000];
  return table(
    ['documents', 'shards', 'minutes each', 'hours by T', 'hours', 'longest', 'computed again'],
    sizes.map((shard) => {
      const one = { ...fleet, shard };
      const model = estimate(one);
      const found = mean(one);
      return [
        count(shard),
        count(Math.ceil(fleet.documents / shard)),
        (model.shardSeconds / 60).toFixed(1),
        hours(model.seconds),
        hours(found.seconds),
        hours(found.longest),
        percent(found.again),
      ];
    }),
  );
}

function speeds(): string {
  const sizes = [500, 1000, 2000, 4000];
  return table(
    ['tokens/s', 'ideal hours', ...sizes.map(count)],
    [100, 300, 1000, 3000, 10_000, 30_000].map((speed) => {
      const { ideal } = estimate({ ...fleet, speed });
      const above = sizes.map((shard) => mean({ ...fleet, speed, shard }).seconds / ideal - 1);
      return [count(speed), hours(ideal), ...above.map(percent)];
    }),
  );
}

/** @param parts renewals in a lease; 0: none */
function leases(parts: number): string {
  const lengths = parts > 0 ? [10, 30, 60, 120, 300, 900, 3600] : [120, 300, 600, 900, 3600];
  return table(
    ['seconds', 'hours', 'lost by living workers', 'computed again', 'dead letters'],
    lengths.map((lease) => {
      const found = mean({ ...fleet, lease, renewal: parts > 0 ? lease / parts : 0 });
      return [
        count(lease),
        hours(found.seconds),
        decimal(found.falseExpiries),
        percent(found.again),
        decimal(found.deadLetters),
      ];
    }),
  );
}

function failures(): string {
  return table(
    ['per hour', 'hours', 'longest', 'computed again', 'dead letters'],
    [0, 0.01, 0.05, 0.2, 1].map((perHour) => {
      const found = mean({ ...fleet, failures: perHour });
      return [
        `${(100 * perHour).toFixed(0)} %`,
        hours(found.seconds),
        hours(found.longest),
        percent(found.again),
        decimal(found.deadLetters),
      ];
    }),
  );
}

function retries(): string {
  const rates = [0.01, 0.2, 1];
  return table(
    ['retries', ...rates.map((rate) => `dead letters at ${(100 * rate).toFixed(0)} % an hour`)],
    [0, 1, 2, 3, 4].map((again) => {
      const letters = rates.map((rate) => mean({ ...fleet, retries: again, failures: rate }));
      return [String(again), ...letters.map((found) => decimal(found.deadLetters))];
    }),
  );
}

/** The mean of some runs, and the longest time among them. */
export function mean(one: Fleet): Outcome & { readonly longest: number } {
  const all = Array.from({ length: runs }, (_, seed) => simulate(one, seed));
  const of = (name: keyof Outcome): number => all.reduce((sum, run) => sum + run[name], 0) / runs;
  return {
    seconds: of('seconds'),
    longest: Math.max(...all.map((run) => run.seconds)),
    again: of('again'),
    deadLetters: of('deadLetters'),
    falseExpiries: of('falseExpiries'),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(line).join('\n');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function seconds(value: number): string {
  return count(Math.round(value));
}

function hours(value: number): string {
  return (value / 3600).toFixed(2);
}

function percent(value: number): string {
  return `${(100 * value).toFixed(value < 0.001 ? 2 : 1)} %`;
}

function decimal(value: number): string {
  return value >= 100 ? count(Math.round(value)) : value.toFixed(1);
}
