// Logit lens, tuned lens, direct attribution and rollout against PyTorch.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import {
  attentionRollout,
  directAttribution,
  loadTunedLens,
  logitLens,
  unembed,
} from 'webgpu-transformer/interpret';
import { expectClose } from '../support/expected.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { expectedTensor, looked } from './expected.ts';

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));
const [{ onGpu }] = gpus as [(typeof gpus)[0]];

for (const device of gpus) {
  test.each(looked)(
    `%s: the residual stream is read as PyTorch reads it, ${device.name}`,
    (name, about) =>
      device.onGpu(async (gpu) => {
        using model = await loadModel(fixtureSource(about.model), { gpu });
        const inputs = { inputIds: [about.ids] };
        const capture = ['embeddings', 'layers.0.output', 'layers.1.output'];
        const { captured } = await model.forward(inputs, { capture });
        const wanted = expectedTensor(`${name}/lens`);
        const [, tokens = 0, width = 0] = wanted.shape;
        const { shape } = captured!['embeddings']!;
        const size = shape[1]! * shape[2]!;
        const data = new Float32Array(capture.length * size);
        capture.forEach((at, i) => data.set(captured![at]!.data, i * size));
        const logits = await unembed(model, { data, shape: [capture.length, ...shape.slice(1)] });
        expectClose(logits, wanted, name);

        const positions = [4, 1];
        const reading = await logitLens(model, inputs, { topK: 3, positions });
        expect(reading.points).toEqual(capture);
        expect(reading.positions).toEqual(positions);
        capture.forEach((_, point) => {
          positions.forEach((position, i) => {
            const first = (point * tokens + position) * width;
            const row = [...wanted.data.subarray(first, first + width)];
            const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
            const best = [...row.entries()].toSorted(([, a], [, b]) => b - a).slice(0, 3);
            expect(reading.tokens[point]![i]).toEqual(best.map(([token]) => token));
            reading.probabilities[point]![i]!.forEach((probability, k) => {
              expect(probability).toBeCloseTo(Math.exp(best[k]![1]) / total, 5);
            });
          });
        });
      }),
  );
}

test.each(looked)('%s: what each part adds to a logit', (_, about) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(about.model), { gpu });
    const inputs = { inputIds: [about.ids] };
    const { target } = about;
    const found = await directAttribution(model, inputs, { target, heads: true });
    expect(found.parts).toEqual(about.direct.map(([part]) => part));
    const scale = Math.max(...about.direct.map(([, value]) => Math.abs(value)));
    about.direct.forEach(([part, value], i) => {
      expect(Math.abs(found.values[i]! - value), `what ${part} adds`).toBeLessThan(1e-5 * scale);
    });
    expect(Math.abs(found.target - about.logit)).toBeLessThan(1e-5 * scale);
    // Without heads attention is one part, and the sum is the same.
    const whole = await directAttribution(model, inputs, { target });
    expect(whole.parts).toEqual(found.parts.filter((part) => !part.includes('head')));
    expect(Math.abs(whole.rest - found.rest)).toBeLessThan(1e-5 * scale);
  }),
);

test('models whose stream is no sum are refused', () =>
  onGpu(async (gpu) => {
    using bert = await loadModel(fixtureSource('bert_mlm'), { gpu });
    await expectRejection(
      directAttribution(bert, { inputIds: [[1, 2, 3]] }, { target: { id: 3 } }),
      'MODEL_UNSUPPORTED',
      'residual stream',
    );
    using gemma = await loadModel(fixtureSource('variants/gemma2'), { gpu });
    await expectRejection(
      directAttribution(gemma, { inputIds: [[1, 2, 3]] }, { target: { id: 3 }, heads: true }),
      'MODEL_UNSUPPORTED',
      'heads: false',
    );
  }));

test('a tuned lens brings streams to where they are read', () =>
  onGpu(async (gpu) => {
    const [, { model: folder, ids }] = looked[0]!;
    using model = await loadModel(fixtureSource(folder), { gpu });
    const tuned = await loadTunedLens(fixtureSource('interpret/tuned'));
    expect(tuned.layers).toBe(2);
    const { tokens, probabilities } = await logitLens(model, { inputIds: [ids] }, { tuned });
    const { data, shape } = expectedTensor('tuned/lens');
    const [layers = 0, count = 0, width = 0] = shape;
    for (let row = 0; row < layers * count; row++) {
      const logits = [...data.subarray(row * width, (row + 1) * width)];
      const [layer, position] = [Math.floor(row / count), row % count];
      const best = logits.indexOf(Math.max(...logits));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      expect(tokens[layer]![position]![0]).toBe(best);
      expect(probabilities[layer]![position]![0]).toBeCloseTo(Math.exp(logits[best]!) / total, 5);
    }
    // The last layer's output is read as it is.
    const plain = await logitLens(model, { inputIds: [ids] });
    expect(tokens.at(-1)).toEqual(plain.tokens.at(-1));
    using other = await loadModel(fixtureSource('llama_gqa'), { gpu });
    await expectRejection(
      logitLens(other, { inputIds: [ids] }, { tuned }),
      'OPTION_INVALID',
      'width 32',
    );
  }));

test.each(looked)('%s: rollout', (name, about) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(about.model), { gpu });
    const { attentions } = await model.forward({ inputIds: [about.ids] }, { attentions: true });
    const { data, shape } = attentionRollout(attentions);
    const wanted = expectedTensor(`${name}/rollout`);
    expect(shape).toEqual([1, ...wanted.shape]);
    expectClose({ data, shape: wanted.shape }, wanted, name);
  }),
);

test('decoders of pairs are read, too', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('t5_relu'), { gpu });
    const inputs = { inputIds: [[6, 89, 106, 44]], decoderInputIds: [[0, 79, 41]] };
    const { logits } = await model.forward(inputs);
    const { points, tokens } = await logitLens(model, inputs);
    const width = logits!.shape[2]!;
    const last = logits!.data.subarray(2 * width);
    expect(points.at(-1)).toBe('decoder.layers.1.output');
    expect(tokens.at(-1)![2]![0]).toBe(last.indexOf(Math.max(...last)));
    const found = await directAttribution(model, inputs, { target: { id: 5 }, heads: true });
    expect(found.target).toBeCloseTo(last[5]!, 5);
    expect(Math.abs(found.rest)).toBeLessThan(1e-4);
    expect(found.parts).toContain('decoder.layers.1.crossAttention');
  }));

test('heads of parallel sub-layers add up as well', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/cohere2'), { gpu });
    const target = { id: 5, against: 7 };
    const inputs = { inputIds: [[3, 4, 5, 6]] };
    const {
      parts,
      values,
      rest,
      target: sum,
    } = await directAttribution(model, inputs, {
      target,
      heads: true,
    });
    const whole = await directAttribution(model, inputs, { target });
    expect(parts.filter((part) => part.startsWith('layers.0.head')).length).toBeGreaterThan(1);
    expect(values.reduce((total, value) => total + value, rest)).toBeCloseTo(sum, 5);
    expect(rest).toBeCloseTo(whole.rest, 4);
  }));
