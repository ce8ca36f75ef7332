// Sound at zero mean and unit variance.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import { groupNorm } from '../shaders/rows/group-norm.ts';

/** Added to the variance. */
const EPS = 1e-7;

/** Each sound by itself, whatever its length, at zero mean and unit variance. */
export async function standardize(
  gpu: Gpu,
  sounds: readonly Float32Array[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const recording = new Recording(gpu);
  try {
    const inputs = sounds.map(({ length }, i) =>
      recording.persistent(`sound ${i}`, [1, length, 1]),
    );
    const outputs = inputs.map((x) => groupNorm(x, { eps: EPS }));
    const plan = await Plan.create(recording, outputs);
    inputs.forEach((x, i) => plan.write(x, new Float32Array(sounds[i] ?? [])));
    return (await plan.play()).map((bytes) => new Float32Array(bytes));
  } finally {
    recording.dispose();
  }
}
