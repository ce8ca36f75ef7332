// The comparison of training steps as a table.

import { printTable } from '../table.ts';
import { layers, vocabulary } from './problem.ts';
import { mostLossError, type TrainingComparison } from './compare.ts';

export function reportTraining(comparisons: readonly TrainingComparison[]): void {
  for (const { size, sides, failed } of comparisons) {
    const { dModel, batch, length } = size;
    console.log(
      `train-step: encoder–decoder ${layers}+${layers}, d_model ${dModel}, vocabulary ${vocabulary}, ` +
        `batch ${batch}, ${length} + ${length} tokens; forward, backward, Adam`,
    );
    const [first] = sides;
    printTable(
      ['', 'ms', 'min..max', 'ratio', 'CPU', 'first step: ms', 'peak MiB', 'loss', 'error'],
      sides.map(({ name, version, wall, cpu, firstStep, peakBytes, losses, error }) => [
        `${name} ${version}`,
        wall.median.toFixed(0),
        `${wall.min.toFixed(0)}..${wall.max.toFixed(0)}`,
        `${(wall.median / (first?.wall.median ?? NaN)).toFixed(2)}×`,
        `${(cpu.median / (first?.cpu.median ?? NaN)).toFixed(2)}×`,
        firstStep.toFixed(0),
        (peakBytes / 2 ** 20).toFixed(0),
        losses[0]?.toFixed(5) ?? '',
        error.toExponential(0),
      ]),
    );
    for (const { name, error } of failed) console.log(`${name} does not run here: ${error}`);
    console.log('');
  }
  console.log(
    'ratio: to the first; CPU: the same of CPU time. first step: from weights in memory to the first ' +
      'loss. peak: GPU buffers.\nerror: largest relative difference of the first three losses to those ' +
      'of the first.\n',
  );
}

/** What went wrong: losses that differ, or a step of ours that does not run. */
export function wrongTraining(comparisons: readonly TrainingComparison[]): string[] {
  return comparisons.flatMap(({ size, sides }) => {
    const wrong = sides.filter(({ error }) => !(error <= mostLossError)).map(({ name }) => name);
    if (!sides.some(({ name }) => name === 'ours')) wrong.push('ours');
    return wrong.map((name) => `train-step, d_model ${size.dModel}: ${name}`);
  });
}
