// A student with a teacher: the loss next to float64, a teacher that stays as it is, and a student that
// comes to answer as its teacher does.
import { Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import {
  distillation,
  type DistillationOptions,
  initialCheckpoint,
  Trainer,
} from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/source/json.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { tolerance } from '../support/tolerance.ts';
import { tinyBatch, tinyConfig, vocabulary } from '../support/training.ts';
import { phraseBatch, somePhrases, trainableTranslator } from '../support/translator.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const still = { dropout: 0, attention_dropout: 0, activation_dropout: 0 };

/** A model of its own size, drawn from a seed. */
function drawn(gpu: Gpu, seed: number, fields: JsonObject, training = true): Promise<Model> {
  const source = initialCheckpoint({ ...tinyConfig, ...fields }, { seed });
  return loadModel(source, { gpu, training });
}

/** log softmax(logits / T) in float64. */
function logSoftmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const x = Array.from(logits, (value) => value / temperature);
  const largest = Math.max(...x);
  const logSum = Math.log(x.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  return x.map((value) => value - largest - logSum);
}

function divergence(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, log, j) => sum + Math.exp(log) * (log - q[j]!), 0);
}

/** Logits of every label that counts, and the label. */
async function answers(
  model: Model,
  batch: ModelInputs,
): Promise<{ logits: Float32Array; label: number }[]> {
  const { logits } = await model.forward(batch);
  const { data, shape } = logits!;
  const width = shape.at(-1)!;
  return batch
    .labels!.flat()
    .map((label, row) => ({
      label: Number(label),
      logits: data.subarray(row * width, (row + 1) * width),
    }))
    .filter(({ label }) => label !== -100);
}

/** The mean loss of a batch by the formula, from the logits of both models. */
async function expectedLoss(
  student: Model,
  teacher: Model,
  batch: ModelInputs,
  { temperature = 2, weight = 0.5, labelSmoothing = 0 }: DistillationOptions,
): Promise<number> {
  const [own, taught] = [await answers(student, batch), await answers(teacher, batch)];
  const losses = own.map(({ logits, label }, i) => {
    const logs = logSoftmax(logits);
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    const hard = -(1 - labelSmoothing) * logs[label]! - labelSmoothing * mean;
    const p = logSoftmax(taught[i]!.logits, temperature);
    const soft = temperature ** 2 * divergence(p, logSoftmax(logits, temperature));
    return weight * soft + (1 - weight) * hard;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** How far the student is from its teacher: mean KL over the labels of a batch. */
function distance(student: Model, teacher: Model, batch: ModelInputs): Promise<number> {
  return expectedLoss(student, teacher, batch, { temperature: 1, weight: 1 });
}

test('losses of batches of all lengths, next to float64', () =>
  withGpu(usual, async (gpu) => {
    const student = await drawn(gpu, 1, still);
    // The teacher's dropout rates have no say, although the student trains with dropout on.
    const rates = { dropout: 0.5, attention_dropout: 0.5, activation_dropout: 0.5 };
    const size = { d_model: 12, encoder_layers: 2, encoder_ffn_dim: 7 };
    const teacher = await drawn(gpu, 2, { ...size, ...rates }, false);
    const settings = { temperature: 3, weight: 0.7, labelSmoothing: 0.1 };
    const trainer = new Trainer(student, {
      learningRate: 1e-30,
      padToMultipleOf: 4,
      objective: distillation(teacher, settings),
    });
    const lengths = new Set<string>();
    for await (const { step, loss } of trainer.steps(tinyBatch, { maxSteps: 6 })) {
      const batch = tinyBatch(step - 1);
      lengths.add([batch.inputIds![0]!.length, (batch.labels![0] as number[]).length].join());
      const wanted = await expectedLoss(student, teacher, batch, settings);
      // T² times the logarithms of both distributions, each of some log V.
      const allowed = tolerance('f32', 12 * 12, 9 * 2 * Math.log(vocabulary));
      expect(Math.abs(loss - wanted), `step ${step}`).toBeLessThan(allowed);
      expect(wanted).toBeGreaterThan(1);
    }
    expect(lengths.size).toBeGreaterThan(3);
    trainer.dispose();
    student.dispose();
    teacher.dispose();
  }));

test('a student that equals its teacher has nothing to learn from it', () =>
  withGpu(usual, async (gpu) => {
    const student = await drawn(gpu, 3, still);
    const seen: { loss: number; gradNorm: number }[] = [];
    for (const seed of [3, 4]) {
      const teacher = await drawn(gpu, seed, still);
      const objective = distillation(teacher, { weight: 1, temperature: 4 });
      const trainer = new Trainer(student, { learningRate: 1e-30, objective });
      for await (const step of trainer.steps([tinyBatch(4)])) seen.push(step);
      trainer.dispose();
      teacher.dispose();
    }
    const [same, other] = seen;
    // What is left is rounding: of T² times both logarithms, and of probabilities that cancel.
    const allowed = tolerance('f32', vocabulary, 16 * 2 * Math.log(vocabulary));
    expect(Math.abs(same!.loss)).toBeLessThan(allowed);
    expect(same!.gradNorm).toBeLessThan(tolerance('f32', vocabulary, other!.gradNorm));
    expect(other!.loss).toBeGreaterThan(100 * allowed);
    student.dispose();
  }));

test('without weight for the teacher the labels alone count', () =>
  withGpu(usual, async (gpu) => {
    const teacher = await drawn(gpu, 6, { d_model: 12 }, false);
    const losses: number[][] = [];
    for (const taught of [false, true]) {
      const student = await drawn(gpu, 5, {});
      const trainer = new Trainer(student, {
        learningRate: 0.01,
        ...(taught
          ? { objective: distillation(teacher, { weight: 0, labelSmoothing: 0.1 }) }
          : { labelSmoothing: 0.1 }),
      });
      const run: number[] = [];
      for await (const { loss } of trainer.steps(tinyBatch, { maxSteps: 5 })) run.push(loss);
      losses.push(run);
      trainer.dispose();
      student.dispose();
    }
    // Dropout is on: the teacher takes none of the student's random numbers either.
    const [plain, taught] = losses;
    plain!.forEach((loss, i) => expect(Math.abs(loss - taught![i]!)).toBeLessThan(1e-5 * loss));
    teacher.dispose();
  }));

test('a small student comes to answer like the translator, which stays as it is', () =>
  withGpu(usual, async (gpu) => {
    using translate = await trainableTranslator(gpu);
    const batch = phraseBatch(translate, somePhrases(70, 3));
    const teacher = await loadModel(fixtureSource('models/phrases'), { gpu });
    const { vocab_size: words } = teacher.config;
    const size = { vocab_size: words!, d_model: 32, max_position_embeddings: 64 };
    const student = await drawn(gpu, 7, { ...size, encoder_ffn_dim: 48, decoder_ffn_dim: 48 });
    const before = await distance(student, teacher, batch);
    const said = (await teacher.forward(batch)).logits!;
    const trainer = new Trainer(student, {
      learningRate: 0.01,
      dropout: false,
      objective: distillation(teacher, { weight: 1 }),
    });
    let first = 0;
    let last = 0;
    for await (const { step, loss } of trainer.steps(() => batch, { maxSteps: 20 })) {
      if (step === 1) first = loss;
      last = loss;
    }
    const after = await distance(student, teacher, batch);
    expect(last).toBeLessThan(first / 2);
    expect(after).toBeLessThan(before / 2);
    expect((await teacher.forward(batch)).logits).toEqual(said);
    trainer.dispose();
    student.dispose();
    teacher.dispose();
  }));

test('a teacher that does not fit is refused', () =>
  withGpu(usual, async (gpu) => {
    const student = await drawn(gpu, 1, {});
    const refused = async (teacher: Model, ...parts: string[]): Promise<void> => {
      const objective = distillation(teacher);
      const trainer = new Trainer(student, { learningRate: 0.1, objective, padToMultipleOf: 8 });
      const steps = trainer.steps([tinyBatch(0)]);
      await expectRejection(steps.next(), 'OPTION_INVALID', ...parts);
      trainer.dispose();
      teacher.dispose();
    };
    const bigger = await drawn(gpu, 1, { vocab_size: 23 });
    await refused(bigger, 'vocabulary of 23', 'student of 19');
    await refused(await drawn(gpu, 1, { max_position_embeddings: 7 }), 'to 7', 'to 8', 'Lower');
    const other = await Gpu.request(usual);
    await refused(await drawn(other, 1, {}), 'another device', 'same gpu');
    other.dispose();

    const wrong = (options: object, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN', part: string) =>
      expectRejection(() => distillation(student, options), code, part);
    await wrong({ temperature: 0 }, 'OPTION_INVALID', 'temperature is 0');
    await wrong({ weight: 1.5 }, 'OPTION_INVALID', 'weight is 1.5');
    await wrong({ labelSmoothing: 1 }, 'OPTION_INVALID', 'labelSmoothing is 1');
    await wrong({ temprature: 2 }, 'OPTION_UNKNOWN', 'temperature');
    const headless = await loadModel(fixtureSource('torch_transformer_post_relu'), { gpu });
    await expectRejection(() => distillation(headless), 'MODEL_UNSUPPORTED', 'no loss');
    headless.dispose();
    student.dispose();
  }));
