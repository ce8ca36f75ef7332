// What is read and changed at named points against forward hooks of PyTorch on the same checkpoints.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type PointEdit } from 'webgpu-transformer';
import { expectClose, inCamelCase, type Rows } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { fixtureSource, readValues } from '../support/source.ts';

/** An edit as the file has it: vectors and tensors by name. */
interface StoredEdit extends Omit<PointEdit, 'add' | 'from'> {
  add?: string;
  from?: string;
  ofSequence?: number;
}

interface Case {
  model: string;
  inputs: Record<string, Rows>;
  runs: { name: string; edit: StoredEdit[]; capture: string[]; result: 'logits' }[];
  generate: {
    name: string;
    edit: StoredEdit[];
    inputs: Record<string, Rows>;
    maxNewTokens: number;
    numBeams?: number;
    sequences: Rows;
  }[];
}

const cases = (await readFixtureJson('points/expected.json')) as Record<string, Case>;
const values = readValues(await readFixture('points/expected.safetensors'));

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));
for (const { name: device, onGpu } of gpus) {
  for (const [name, { model: folder, inputs, runs, generate }] of Object.entries(cases)) {
    test(`${name}: hooks, ${device}`, () =>
      onGpu(async (gpu) => {
        using model = await loadModel(fixtureSource(folder), { gpu });
        for (const run of runs) {
          const edit = run.edit.map((one) => editOf(name, one));
          const output = await model.forward(inCamelCase(inputs), { edit, capture: run.capture });
          const results = { ...output.captured, logits: output.logits };
          for (const [at, tensor] of Object.entries(results)) {
            const path = `${name}/${run.name}/${at}`;
            expectClose(tensor, values.get(path)!, path);
          }
          expect(Object.keys(output.captured ?? {})).toEqual(run.capture);
        }
      }));

    if (generate.length === 0) continue;
    test(`${name}: hooks while generating, ${device}`, () =>
      onGpu(async (gpu) => {
        using model = await loadModel(fixtureSource(folder), { gpu });
        for (const run of generate) {
          const edit = run.edit.map((one) => editOf(name, one));
          const { maxNewTokens, numBeams = 1 } = run;
          const beams = numBeams > 1 && { numBeams, numReturnSequences: numBeams };
          const options = { maxNewTokens, padTokenId: 0, edit, ...beams };
          const { sequences } = await model.generate(inCamelCase(run.inputs), options);
          expect(sequences, `${name}, ${run.name}`).toEqual(run.sequences);
        }
      }));
  }
}

function editOf(name: string, { add, from, ofSequence, ...others }: StoredEdit): PointEdit {
  const value = (at: string): DenseTensor => values.get(`${name}/${at}`)!;
  return {
    ...others,
    ...(add !== undefined && { add: value(add).data }),
    ...(from !== undefined && { from: sequenceOf(value(from), ofSequence ?? 0) }),
  };
}

/** One sequence of a batch. */
function sequenceOf({ data, shape }: DenseTensor, index: number): DenseTensor {
  const [batch = 1, ...rest] = shape;
  const size = data.length / batch;
  return { data: data.subarray(index * size, (index + 1) * size), shape: [1, ...rest] };
}
