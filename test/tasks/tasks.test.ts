// Every task against Hugging Face's pipelines on the same checkpoints: first the task
// alone over an encoder in float64, then from files to results on a device.
import { expect, test } from 'vitest';
import { pipeline, type Pipelines } from 'webgpu-transformer';
import { featureExtraction } from '../../src/tasks/text/feature-extraction.ts';
import { fillMask } from '../../src/tasks/text/fill-mask.ts';
import { questionAnswering } from '../../src/tasks/text/question-answering.ts';
import type { TaskParts } from '../../src/tasks/task.ts';
import { textClassification } from '../../src/tasks/text/text-classification.ts';
import { textRanking } from '../../src/tasks/text/text-ranking.ts';
import { tokenClassification } from '../../src/tasks/text/token-classification.ts';
import { zeroShotClassification } from '../../src/tasks/text/zero-shot-classification.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { memorySource } from '../support/source.ts';
import { cpuParts, expectCalls, expectedCalls, taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const calls = await expectedCalls();

const makers: Record<string, (parts: TaskParts) => unknown> = {
  'feature-extraction': featureExtraction,
  'fill-mask': fillMask,
  'question-answering': questionAnswering,
  'text-classification': textClassification,
  'text-ranking': textRanking,
  'token-classification': tokenClassification,
  'zero-shot-classification': zeroShotClassification,
};
/** Each task with each of its checkpoints. */
const cases = [...new Set(calls.map(({ task, model }) => `${task} ${model}`))].map((both) => {
  const [task = '', model = ''] = both.split(' ');
  return { task, model };
});
const encoderCases = cases.filter(({ task }) => Object.hasOwn(makers, task));

function callsOf(task: string, model: string): typeof calls {
  return calls.filter((call) => call.task === task && call.model === model);
}

test.each(encoderCases)('$task with $model in float64', async ({ task, model }) => {
  const made = makers[task]!(await cpuParts(model));
  // The expected numbers have six digits.
  await expectCalls(made, callsOf(task, model), { relative: 5.1e-6, absolute: 1e-9 });
});

test.each(cases)('$task with $model on a device', ({ task, model }) =>
  withGpu(usual, async (gpu) => {
    const source = memorySource(await taskFiles(model));
    using made = await pipeline(task as keyof Pipelines, source, { gpu });
    // What other outputs in f32 may be off: 2e-5 of the largest, which is about 3 in vectors.
    const absolute = task === 'feature-extraction' ? 6e-5 : 1e-9;
    await expectCalls(made, callsOf(task, model), { relative: 2e-5, absolute });
    expect(made.task).toBe(task);
  }),
);
