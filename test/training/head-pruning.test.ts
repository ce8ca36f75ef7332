// Heads: their scores against central differences on a gate, and what it costs to take them away.
import type { ModelInputs } from 'webgpu-transformer';
import {
  type AttentionHead,
  type HeadScore,
  initialCheckpoint,
  pruneHeads,
  scoreHeads,
  sgd,
  Trainer,
} from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { readParameters, writeParameters } from '../../src/model/weights/read-parameters.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { tolerance } from '../support/tolerance.ts';
import { expectRejection } from '../support/rejection.ts';
import {
  tinyBatch,
  tinyConfig,
  tinyModel,
  trainTo,
  vocabulary,
  withTrainer,
} from '../support/training.ts';
import { phraseBatch, somePhrases, trainableTranslator } from '../support/translator.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const nameOf = ({ stack, layer }: AttentionHead): string =>
  stack === 'cross'
    ? `model.decoder.layers.${layer}.encoder_attn.out_proj.weight`
    : `model.${stack}.layers.${layer}.self_attn.out_proj.weight`;

/** Columns of the output projection that belong to a head, of 2 heads over 8 columns. */
const isOf = ({ head }: AttentionHead, i: number): boolean => Math.floor((i % 8) / 4) === head;

test('scores are the slopes along a gate on the head', () =>
  withGpu(usual, (gpu) => {
    // Without the corners of ReLU, at which slopes change.
    const smooth = initialCheckpoint({ ...tinyConfig, activation_function: 'gelu' }, { seed: 1 });
    const compare = async (trainer: Trainer): Promise<void> => {
      // A larger loss has larger slopes to compare.
      await trainTo(trainer, 20);
      const batches = [0, 1, 2].map((i) => tinyBatch(i, 2));
      const scores = await scoreHeads(trainer, batches, { normalize: false });
      expect(scores.map(({ stack, layer, head }) => `${stack} ${layer} ${head}`)).toEqual([
        'encoder 0 0',
        'encoder 0 1',
        'decoder 0 0',
        'decoder 0 1',
        'cross 0 0',
        'cross 0 1',
      ]);
      const { parameters } = trainer.state;
      const before = await readParameters(gpu, parameters);
      /** The loss with the head's output multiplied: a gate before a linear layer scales its columns. */
      const gated = async (one: AttentionHead, gate: number, batch: ModelInputs) => {
        const { shape, data } = before.get(nameOf(one))!;
        const scaled = Float32Array.from(data, (value, i) => (isOf(one, i) ? gate * value : value));
        const values = new Map([...before, [nameOf(one), { shape, data: scaled }]]);
        writeParameters(gpu, parameters, values);
        const { loss } = await trainer.evaluate([batch]);
        writeParameters(gpu, parameters, before);
        return loss;
      };
      const slope = async (one: AttentionHead, batch: ModelInputs, step: number) => {
        const above = await gated(one, 1 + step, batch);
        const below = await gated(one, 1 - step, batch);
        return (above - below) / (2 * step);
      };
      // Two steps, so that the third derivative cancels (Richardson): what is left is step⁴ small. Then a
      // loss that is off by δ moves the slope by at most (4 · 2⁴ + 2³) / 3 = 24 δ.
      const allowed = 24 * tolerance('f32', 64, Math.log(vocabulary));
      for (const one of scores) {
        let sum = 0;
        for (const batch of batches) {
          const [far, near] = [await slope(one, batch, 2 ** -3), await slope(one, batch, 2 ** -4)];
          sum += Math.abs(4 * near - far) / 3;
        }
        const error = Math.abs(one.score - sum / batches.length);
        expect(error, `score of ${JSON.stringify(one)}`).toBeLessThan(allowed);
      }
      expect(Math.max(...scores.map(({ score }) => score))).toBeGreaterThan(100 * allowed);
      expect(Math.min(...scores.map(({ score }) => score))).toBeGreaterThan(1e-3);

      const normal = await scoreHeads(trainer, batches);
      for (const { stack } of scores) {
        const of = (list: readonly HeadScore[]) =>
          list.filter((one) => one.stack === stack).map(({ score }) => score);
        const [raw, scaled] = [of(scores), of(normal)];
        expect(Math.hypot(...scaled)).toBeCloseTo(1, 6);
        expect(scaled[0]! * raw[1]!).toBeCloseTo(scaled[1]! * raw[0]!, 6);
      }
    };
    return withTrainer(gpu, {}, compare, smooth);
  }));

test('a head that is gone stays so, whether it went before there was a trainer or during a run', () =>
  withGpu(usual, async (gpu) => {
    for (const isEarly of [true, false]) {
      const model = await tinyModel(gpu);
      const gone = [
        { stack: 'cross', layer: 0, head: 1 },
        { stack: 'encoder', layer: 0, head: 0 },
        { stack: 'cross', layer: 0, head: 1 },
      ] as const;
      const early = isEarly && (await pruneHeads(model, { heads: gone }));
      const trainer = new Trainer(model, { learningRate: 0.05, optimizer: sgd({ momentum: 0.9 }) });
      const valuesOf = () => readParameters(gpu, trainer.state.parameters);
      if (early === false) await trainTo(trainer, 2);
      else await early.mask.keepIn(trainer);
      const before = await valuesOf();
      const { heads } = early === false ? await pruneHeads(trainer, { heads: gone }) : early;
      expect(heads).toEqual(gone.slice(0, 2).map((one) => ({ ...one, name: nameOf(one) })));
      await trainTo(trainer, trainer.step + 3);
      const after = await valuesOf();
      for (const [name, { data }] of after) {
        const own = heads.filter((one) => one.name === name);
        data.forEach((value, i) => {
          const isGone = own.some((one) => isOf(one, i));
          if (own.length > 0) expect(value === 0, `${name}[${i}]`).toBe(isGone);
        });
        if (name.endsWith('out_proj.weight')) expect(data).not.toEqual(before.get(name)!.data);
      }
      // Without weights a head counts for nothing, and its attention still has the other one.
      const scores = await scoreHeads(model, [tinyBatch(0)]);
      for (const { score, ...one } of scores) {
        const isGone = heads.some((it) => it.stack === one.stack && it.head === one.head);
        expect(score === 0, `no score of ${JSON.stringify(one)}`).toBe(isGone);
      }
      const { heads: more } = await pruneHeads(trainer, { count: 3, scores });
      expect(more).toHaveLength(3);
      for (const { name: _, ...one } of heads)
        expect(more).toContainEqual(expect.objectContaining(one));
      trainer.dispose();
      model.dispose();
    }
  }));

test('heads of a translator that hardly speak are found, and can go; the loudest cannot', () =>
  withGpu(usual, async (gpu) => {
    using translate = await trainableTranslator(gpu);
    const { model } = translate;
    const trainer = new Trainer(model, { learningRate: 0.1 });
    const { parameters } = trainer.state;
    const loaded = await readParameters(gpu, parameters);
    // Which heads of a trained model matter least is unknown, and scores only estimate it. So one head of
    // each kind is made to whisper.
    const quiet = [
      { stack: 'encoder', layer: 1, head: 2 },
      { stack: 'decoder', layer: 0, head: 3 },
      { stack: 'cross', layer: 1, head: 0 },
    ] as const;
    const whispering = new Map(loaded);
    for (const one of quiet) {
      const { shape, data } = loaded.get(nameOf(one))!;
      const [, width = 0] = shape;
      const heads = Number(model.config['decoder_attention_heads']);
      const quieter = data.map((value, i) =>
        Math.floor(((i % width) * heads) / width) === one.head ? value / 1024 : value,
      );
      whispering.set(nameOf(one), { shape, data: quieter });
    }
    writeParameters(gpu, parameters, whispering);

    const scored = [62, 63].map((seed) => phraseBatch(translate, somePhrases(seed, 3)));
    const scores = await scoreHeads(trainer, scored);
    const sizes = ['encoder', 'decoder', 'decoder'].map(
      (side) =>
        Number(model.config[`${side}_layers`]) * Number(model.config[`${side}_attention_heads`]),
    );
    expect(scores).toHaveLength(sizes.reduce((sum, size) => sum + size, 0));
    const unseen = [phraseBatch(translate, somePhrases(61, 6))];
    const { loss: whole } = await trainer.evaluate(unseen);
    const { heads } = await pruneHeads(trainer, { count: 3, scores });
    expect(heads).toHaveLength(3);
    for (const one of quiet) expect(heads).toContainEqual({ ...one, name: nameOf(one) });
    const { loss: less } = await trainer.evaluate(unseen);
    writeParameters(gpu, parameters, whispering);
    const loudest = scores.toSorted((x, y) => y.score - x.score).slice(0, 3);
    await pruneHeads(trainer, { heads: loudest });
    const { loss: broken } = await trainer.evaluate(unseen);
    expect(Math.abs(less - whole)).toBeLessThan(0.01 * whole);
    expect(broken).toBeGreaterThan(whole + 20 * Math.abs(less - whole));
    trainer.dispose();
  }));

test('what is no head is refused', () =>
  withGpu(usual, async (gpu) => {
    const model = await tinyModel(gpu);
    const refused = (options: object, ...parts: string[]): Promise<void> =>
      expectRejection(
        pruneHeads(model, options as { heads: AttentionHead[] }),
        'OPTION_INVALID',
        ...parts,
      );
    const head = { stack: 'cross', layer: 0, head: 1 };
    await refused({ heads: [{ ...head, head: 2 }] }, 'no head 2', 'cross 0 (2 heads)');
    await refused({ heads: [{ ...head, layer: 1 }] }, 'layer 1', 'encoder 0 (2 heads)');
    await refused({ heads: [{ ...head, stack: 'both' }] }, '"both"');
    await refused({ heads: [head], count: 1 }, 'heads', 'count');
    await refused({ count: 2 }, 'count 2', '0 scores');
    await refused({ count: 2, scores: [{ ...head, score: 1 }] }, 'count 2', '1 scores');
    await expectRejection(
      pruneHeads(model, { head: [] } as unknown as { heads: [] }),
      'OPTION_UNKNOWN',
      'heads',
    );
    await expectRejection(scoreHeads(model, []), 'INPUT_INVALID', 'no batch');
    await expectRejection(
      scoreHeads(model, [tinyBatch(0)], { signal: AbortSignal.abort() }),
      'ABORTED',
    );
    model.dispose();
  }));
