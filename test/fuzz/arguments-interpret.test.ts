// Wrong arguments of the entry webgpu-transformer/interpret.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, loadModel, type Model } from 'webgpu-transformer';
import * as interpret from 'webgpu-transformer/interpret';
import { callables } from '../support/interface.ts';
import { fixtureSource } from '../support/source.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

let gpu: Gpu;
let model: Model;
let autoencoder: interpret.SparseAutoencoder;
let tuned: interpret.TunedLens;

beforeAll(async () => {
  gpu = await Gpu.request();
  model = await loadModel(fixtureSource('gpt2'), { gpu });
  autoencoder = await interpret.loadAutoencoder(fixtureSource('interpret/topk'));
  tuned = await interpret.loadTunedLens(fixtureSource('interpret/tuned'));
});

afterAll(() => {
  model.dispose();
  gpu.dispose();
});

const inputs = (): object => ({ inputIds: [[3, 4, 5]] });
const target = (): object => ({ id: 3, against: 4, position: 1 });
const states = (): object => ({
  data: new Float32Array(32).map((_, i) => (i * 5) % 7),
  shape: [2, 16],
});
const of = <T>(make: () => T): (() => T)[] => [make];
const probeOf = (): interpret.Probe =>
  interpret.trainProbe({ data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] }, [0, 1]);

const ways: Readonly<Record<string, Way>> = {
  attentionRollout: {
    call: interpret.attentionRollout,
    right: of(() => [[{ data: new Float32Array(8).fill(0.5), shape: [1, 2, 2, 2] }]]),
  },
  directAttribution: {
    call: interpret.directAttribution,
    right: of(() => [model, inputs(), { target: target(), heads: true }]),
  },
  loadAutoencoder: {
    call: interpret.loadAutoencoder,
    right: of(() => [fixtureSource('interpret/topk')]),
  },
  'sparseautoencoder.encode': {
    call: (...args) => autoencoder.encode(...(args as [never])),
    right: of(() => [states()]),
  },
  'sparseautoencoder.decode': {
    call: (...args) => autoencoder.decode(...(args as [never])),
    right: of(() => [{ data: new Float32Array(20), shape: [2, 10] }]),
  },
  'sparseautoencoder.topFeatures': {
    call: (...args) => autoencoder.topFeatures(...(args as [never])),
    right: of(() => [states(), 3]),
  },
  'sparseautoencoder.direction': {
    call: (...args) => autoencoder.direction(...(args as [never])),
    right: of(() => [3]),
  },
  inductionScores: {
    call: interpret.inductionScores,
    right: of(() => [model, { length: 3, texts: 1, begin: [1], seed: 1 }]),
  },
  previousTokenScores: {
    call: interpret.previousTokenScores,
    right: of(() => [model, { length: 3, texts: 1, begin: [1], seed: 1 }]),
  },
  inputGradients: {
    call: interpret.inputGradients,
    right: of(() => [model, inputs(), { target: target(), at: 'embeddings' }]),
  },
  integratedGradients: {
    call: interpret.integratedGradients,
    right: of(() => [
      model,
      inputs(),
      {
        target: target(),
        steps: 1,
        batchSize: 1,
        baseline: { data: new Float32Array(96), shape: [1, 3, 32] },
      },
    ]),
  },
  logitLens: {
    call: interpret.logitLens,
    right: of(() => [model, inputs(), { topK: 2, positions: [1], tuned }]),
  },
  unembed: {
    call: interpret.unembed,
    right: of(() => [model, { data: new Float32Array(32).fill(0.5), shape: [1, 1, 32] }]),
  },
  loadTunedLens: {
    call: interpret.loadTunedLens,
    right: of(() => [fixtureSource('interpret/tuned')]),
  },
  'tunedlens.translate': {
    call: (...args) => tuned.translate(...(args as [never, never, never])),
    right: of(() => [new Float32Array(32), 1, 2]),
  },
  ablateHeads: {
    call: interpret.ablateHeads,
    right: of(() => [model, inputs(), { measure: target(), replace: 'mean', batchSize: 8 }]),
  },
  patchActivations: {
    call: interpret.patchActivations,
    right: of(() => [
      model,
      {
        clean: inputs(),
        corrupted: { inputIds: [[3, 9, 5]] },
        measure: target(),
        at: 'layers.0.output',
        batchSize: 8,
      },
    ]),
  },
  trainProbe: {
    call: interpret.trainProbe,
    right: of(() => [states(), [0, 1], { penalty: 0.1, steps: 2 }]),
  },
  'probe.predict': {
    call: (...args) => probeOf().predict(...(args as [never])),
    right: of(() => [{ data: new Float32Array([1, 2]), shape: [1, 2] }]),
  },
  'probe.accuracy': {
    call: (...args) => probeOf().accuracy(...(args as [never, never])),
    right: of(() => [{ data: new Float32Array([1, 2]), shape: [1, 2] }, [1]]),
  },
  steeringVector: {
    call: interpret.steeringVector,
    right: of(() => [
      model,
      {
        at: 'layers.0.output',
        positive: [inputs()],
        negative: [{ inputIds: [[7, 8]] }],
        over: 'all',
      },
    ]),
  },
};

const all = callables('src/interpret/index.ts');

test('every function has a case', () => {
  expect([...all.keys()].toSorted()).toEqual(Object.keys(ways).toSorted());
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way, () => gpu.memory.buffers);
});
