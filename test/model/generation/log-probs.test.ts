// The log-probabilities of generated tokens: what a whole sequence says of them.
import { expect, test } from 'vitest';
import type { TaskParts } from '../../../src/tasks/task.ts';
import { translationScore } from '../../../src/tasks/text/translation-score.ts';
import { loadModel, type Model, type ModelInputs, pipeline } from 'webgpu-transformer';
import { bothTiers, withGpu } from '../../support/gpu.ts';
import { expectError } from '../../support/safetensors.ts';
import { fixtureSource } from '../../support/source.ts';

/** By one look at the whole sequence, of each of its tokens from `start` on. */
async function byForward(
  model: Model,
  inputs: ModelInputs,
  sequence: number[],
  start: number,
): Promise<number[]> {
  const { logits } = await model.forward(inputs);
  const columns = logits!.shape.at(-1)!;
  return sequence.slice(start).map((token, i) => {
    const first = (start + i - 1) * columns;
    const row = [...logits!.data.subarray(first, first + columns)];
    const most = Math.max(...row);
    const sum = row.reduce((all, one) => all + Math.exp(one - most), 0);
    return row[token]! - most - Math.log(sum);
  });
}

function expectNear(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  for (const [i, one] of got.entries()) expect(Math.abs(one - wanted[i]!)).toBeLessThan(2e-4);
}

for (const { name: device, options } of await bothTiers()) {
  test(`a language model's, greedily and drawn at a temperature, ${device}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource('gpt2'), { gpu });
      const inputIds = [[5, 9, 2, 7]];
      for (const settings of [{}, { doSample: true, temperature: 2, topK: 0, seed: 3 }]) {
        const { sequences, logProbs } = await model.generate(
          { inputIds },
          { ...settings, maxNewTokens: 7, eosTokenId: [], logProbs: true },
        );
        const [sequence = []] = sequences;
        const inputs = { inputIds: [sequence.slice(0, -1)] };
        expectNear(logProbs![0]!, await byForward(model, inputs, sequence, 4));
      }
      const { logProbs } = await model.generate({ inputIds }, { maxNewTokens: 2 });
      expect(logProbs).toBeUndefined();
    }));

  test(`a translation's, to the end of each sequence, and its score, ${device}`, () =>
    withGpu(options, async (gpu) => {
      using translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
      const { slope, offset } = translate.model.config['score_calibration'] as {
        slope: number;
        offset: number;
      };
      const texts = ['in 3 days', 'Saturday, November 21, 2026', 'in 3 ≥ days'];
      const results = await translate(texts, { to: 'fr', score: true });
      expect(results.slice(0, 2).map(({ translationText }) => translationText)).toEqual([
        'dans 3 jours',
        'samedi 21 novembre 2026',
      ]);
      for (const [i, { translationText, score }] of results.slice(0, 2).entries()) {
        const sequence = [0, ...translate.tokenizer.encode(translationText)];
        const inputs = {
          inputIds: [translate.encode(texts[i]!, { to: 'fr' })],
          decoderInputIds: [sequence.slice(0, -1)],
        };
        const logProbs = await byForward(translate.model, inputs, sequence, 1);
        const mean = logProbs.reduce((sum, one) => sum + one, 0) / logProbs.length;
        expect(score).toBeCloseTo(1 / (1 + Math.exp(-(slope * mean + offset))), 3);
        expect(score).toBeGreaterThan(0.5);
      }
      expect(results[2]!.score).toBe(0); // an unknown token
      expect(await translate('in 3 days', { to: 'fr' })).toEqual([
        { translationText: 'dans 3 jours' },
      ]);
      const beams = translate('in 3 days', { to: 'fr', numBeams: 2, score: true });
      await expectError(beams, 'OPTION_INVALID', 'numBeams is 2', 'numBeams: 1');
      const unclear = translate('in 3 days', { to: 'fr', score: 1 as never });
      await expectError(unclear, 'OPTION_INVALID', 'score is 1');
    }));
}

test('without a calibration a score is the geometric mean of the probabilities', () => {
  const parts = { model: { config: {} }, tokenizer: {} } as TaskParts;
  const translation = { ids: [0, 5, 1], logProbs: [Math.log(0.5), Math.log(0.125)] };
  expect(translationScore(translation, [], parts)).toBeCloseTo(0.25, 12);
});

test('a translation that says it is outside of the field has the chance that this is wrong', () => {
  const scoreOf = (ids: number[], first: number, config: object): number => {
    const parts = { model: { config }, tokenizer: {} } as TaskParts;
    return translationScore({ ids, logProbs: [first, 0] }, [], parts);
  };
  const config = { outside_token_id: 7 };
  expect(scoreOf([0, 7, 1], Math.log(0.9), config)).toBeCloseTo(0.1, 12);
  expect(scoreOf([0, 7, 1], 0, config)).toBeCloseTo(2 ** -24, 12);
  expect(scoreOf([0, 6, 1], Math.log(0.81), config)).toBeCloseTo(0.9, 12);
  expect(scoreOf([0, 7, 1], Math.log(0.81), {})).toBeCloseTo(0.9, 12);
  const fitted = { ...config, score_calibration: { slope: 20, offset: 5 } };
  expect(scoreOf([0, 7, 1], Math.log(0.9), fitted)).toBeLessThan(1e-6);
});

test('speech refuses them', async () => {
  const [device] = await bothTiers();
  await withGpu(device!.options, async (gpu) => {
    using model = await loadModel(fixtureSource('whisper'), { gpu });
    const bins = Number(model.config['num_mel_bins']);
    const frames = 2 * Number(model.config['max_source_positions']);
    const inputFeatures = { data: new Float32Array(bins * frames), shape: [1, bins, frames] };
    const call = model.generate({ inputFeatures }, { logProbs: true });
    await expectError(call, 'OPTION_INVALID', 'logProbs', 'decoderInputIds');
  });
});
