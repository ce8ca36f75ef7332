// Times the two sides of a case in turns, A B A B, so that whatever else the machine does meets both.

import { Plan } from '../src/runtime/plan.ts';
import { Recording } from '../src/runtime/record.ts';
import type { Gpu } from 'webgpu-transformer';
import { type Case, errorOf, type Tensors, upload, use } from './case.ts';

/** Milliseconds of one execution over all rounds. */
export interface Times {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Side {
  readonly wall: Times;
  /** CPU time of the whole process; on a software adapter this is what the kernel itself takes. */
  readonly cpu: Times;
  readonly error: number;
  /** Executions in one submission. */
  readonly copies: number;
  /** Dispatches of one execution. */
  readonly dispatches: number;
  readonly kernels: readonly string[];
}

export interface Comparison {
  readonly name: string;
  readonly work: Case['work'];
  readonly ours: Side;
  readonly plain: Side;
}

/** A submission should take this long, so that submitting and waiting disappear in it. */
const submissionMs = 40;
const mostCopies = 1024;

type Build = Case['ours'];

/** A list that computes the same thing `copies` times, one after the other, in one compute pass. */
async function repeated(gpu: Gpu, tensors: Tensors, build: Build, copies: number): Promise<Plan> {
  const recording = new Recording(gpu);
  const used = use(recording, tensors);
  // Four bytes come back, so that a play ends when the GPU is done.
  const marker = recording.persistent('marker', [1]);
  for (let copy = 0; copy < copies; copy++) build(recording, used);
  return Plan.create(recording, [marker]);
}

/** How far the kernels are from the true result. */
async function check(gpu: Gpu, tensors: Tensors, build: Build, one: Case): Promise<number> {
  const recording = new Recording(gpu);
  const result = build(recording, use(recording, tensors));
  const plan = await Plan.create(recording, [result]);
  const [bytes = new ArrayBuffer(0)] = await plan.play();
  plan.dispose();
  return errorOf(result, bytes, one);
}

/** A list long enough to time: it grows until a play takes its time. */
async function calibrated(
  gpu: Gpu,
  tensors: Tensors,
  build: Build,
): Promise<{ plan: Plan; copies: number }> {
  for (let copies = 1; ;) {
    const plan = await repeated(gpu, tensors, build, copies);
    await plan.play();
    const { wall } = await timed(plan, 1);
    if (wall >= submissionMs / 2 || copies >= mostCopies) return { plan, copies };
    plan.dispose();
    const factor = Math.min(16, Math.ceil(submissionMs / wall));
    copies = Math.min(mostCopies, copies * factor);
  }
}

async function timed(plan: Plan, copies: number): Promise<{ wall: number; cpu: number }> {
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  await plan.play();
  const wall = (performance.now() - start) / copies;
  const { user, system } = process.cpuUsage(cpuStart);
  return { wall, cpu: (user + system) / 1000 / copies };
}

export async function compare(gpu: Gpu, one: Case, rounds: number): Promise<Comparison> {
  const { scope, tensors } = upload(gpu, one);
  const sides = [];
  for (const build of [one.ours, one.plain]) {
    const error = await check(gpu, tensors, build, one);
    const { plan, copies } = await calibrated(gpu, tensors, build);
    sides.push({ error, plan, copies, wall: [] as number[], cpu: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { plan, copies, wall, cpu } of sides) {
      const times = await timed(plan, copies);
      wall.push(times.wall);
      cpu.push(times.cpu);
    }
  }
  const [ours, plain] = sides.map(({ plan, copies, error, wall, cpu }): Side => {
    const names = plan.recording.dispatches.map(({ kernel }) => kernel.name);
    const dispatches = names.length / copies;
    plan.dispose();
    const kernels = names.slice(0, dispatches);
    return { wall: summary(wall), cpu: summary(cpu), error, copies, dispatches, kernels };
  });
  scope.dispose();
  if (ours === undefined || plain === undefined) throw new RangeError('a comparison has two sides');
  return { name: one.name, work: one.work, ours, plain };
}

export function summary(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  const [above = NaN] = sorted.slice(sorted.length >> 1);
  const below = sorted[(sorted.length - 1) >> 1] ?? NaN;
  const median = (below + above) / 2;
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}
