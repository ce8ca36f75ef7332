// Times one training step of each library in turns, A B C A B C, and proves that they do the same.

import { performance } from 'node:perf_hooks';
import { summary, type Times } from '../compare.ts';
import type { Software } from '../adapters.ts';
import { messageOf, type NotOpened, type Opened, openLibraries } from './peers.ts';
import { type Problem, problem, type Size, sizes } from './problem.ts';
import type { Side } from './side.ts';

export interface StepTimes {
  readonly name: string;
  readonly version: string;
  /** Milliseconds until the first loss, from weights in memory: upload, recording, compilation. */
  readonly firstStep: number;
  readonly wall: Times;
  /** CPU time of the whole process, which on a software adapter does the work. */
  readonly cpu: Times;
  /** Most bytes of GPU buffers. */
  readonly peakBytes: number;
  /** Losses of the first steps. */
  readonly losses: readonly number[];
  /** The largest difference to the losses of the first library, relative to them. */
  readonly error: number;
}

export interface TrainingComparison {
  readonly size: Size;
  readonly sides: readonly StepTimes[];
  /** Libraries that cannot run the step on this adapter, with what they say. */
  readonly failed: readonly NotOpened[];
}

/** Steps before those that are timed; their losses are compared, so updates are too. */
const warmup = 3;
/** Losses of one step may differ by rounding only. */
export const mostLossError = 1e-3;

interface Running {
  readonly opened: Opened;
  readonly side: Side;
  readonly firstStep: number;
  readonly losses: number[];
  readonly wall: number[];
  readonly cpu: number[];
}

export async function compareTraining(
  software: Software | undefined,
  { rounds, root, slow }: { rounds: number; root: string; slow: boolean },
): Promise<TrainingComparison[]> {
  const { opened, failed } = await openLibraries(software, root);
  const results: TrainingComparison[] = [];
  for (const size of sizes) {
    if (size.slow === true && !slow) continue;
    results.push(await compareSize(await problem(size), { opened, failed, rounds }));
  }
  return results;
}

async function compareSize(
  task: Problem,
  { opened, failed, rounds }: { opened: readonly Opened[]; failed: NotOpened[]; rounds: number },
): Promise<TrainingComparison> {
  const running: Running[] = [];
  const refused = [...failed];
  for (const one of opened) {
    one.meter.peakBytes = one.meter.bytes;
    try {
      running.push(await start(one, task));
    } catch (error) {
      refused.push({ name: one.library.name, error: messageOf(error) });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { side, wall, cpu } of running) {
      const cpuStart = process.cpuUsage();
      const began = performance.now();
      await side.step();
      wall.push(performance.now() - began);
      const { user, system } = process.cpuUsage(cpuStart);
      cpu.push((user + system) / 1000);
    }
  }
  const wanted = running[0]?.losses ?? [];
  const sides = running.map(
    ({ opened: { library, meter }, side, firstStep, losses, wall, cpu }) => {
      side.dispose();
      const { name, version } = library;
      const errors = losses.map(
        (loss, i) => Math.abs(loss - (wanted[i] ?? NaN)) / (wanted[i] ?? NaN),
      );
      const error = errors.some((value) => Number.isNaN(value)) ? Infinity : Math.max(...errors);
      const { peakBytes } = meter;
      return {
        name,
        version,
        firstStep,
        wall: summary(wall),
        cpu: summary(cpu),
        peakBytes,
        losses,
        error,
      };
    },
  );
  return { size: task.size, sides, failed: refused };
}

async function start(opened: Opened, task: Problem): Promise<Running> {
  const began = performance.now();
  const side = await opened.library.prepare(task);
  const losses = [await side.step()];
  const firstStep = performance.now() - began;
  while (losses.length < warmup) losses.push(await side.step());
  return { opened, side, firstStep, losses, wall: [], cpu: [] };
}
