// BART with a head that classifies. Values are those of transformers 5.24 (BartForSequenceClassification,
// and BartForConditionalGeneration without decoder inputs), whose weights are those of test/support/waves.ts;
// in training without dropout.
import { expect, test } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { adam, Lora, sgd, Trainer, type TrainerOptions } from 'webgpu-transformer/training';
import { textClassification } from '../../src/tasks/text/text-classification.ts';
import type { TaskParts } from '../../src/tasks/task.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource, withFields } from '../support/source.ts';
import { checkpoint, waves } from '../support/waves.ts';

const onGpu = sharedGpu();
const config = {
  model_type: 'bart',
  architectures: ['BartForSequenceClassification'],
  vocab_size: 12,
  d_model: 8,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  encoder_ffn_dim: 12,
  decoder_ffn_dim: 12,
  max_position_embeddings: 16,
  is_encoder_decoder: true,
  pad_token_id: 1,
  eos_token_id: 2,
  decoder_start_token_id: 2,
  id2label: { 0: 'contradiction', 1: 'neutral', 2: 'entailment' },
};
const inputIds = [
  [0, 5, 7, 2, 2, 9, 4, 2],
  [0, 11, 3, 2, 2, 8, 2, 1],
];
const attentionMask = [
  [1, 1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 1, 1, 0],
];
const rows = [
  [-0.6497813463, -1.1051219702, -1.0663552284],
  [-0.660730362, -1.122199893, -1.0818963051],
];

async function files(fields: object = {}) {
  const all = { ...config, ...fields };
  const tensors = await waves(all);
  tensors.delete('final_logits_bias');
  return checkpoint(all, tensors);
}

function expectValues(data: ArrayLike<number> | undefined, wanted: readonly number[]): void {
  expect(data).toHaveLength(wanted.length);
  wanted.forEach((value, i) => expect(data?.[i]).toBeCloseTo(value, 5));
}

test('logits and losses of each sequence, from its last end token', () =>
  onGpu(async (gpu) => {
    const own = await files();
    using model = await loadModel(memorySource(own), { gpu });
    const output = await model.forward({ inputIds, attentionMask, labels: [2, 0] });
    expect(output.logits?.shape).toEqual([2, 3]);
    expectValues(output.logits?.data, rows.flat());
    expectValues(output.loss?.data, [1.0368750095]);
    const decoderInputIds = inputIds.map((row) => row.toReversed());
    const { logits } = await model.forward({ inputIds, attentionMask, decoderInputIds });
    expectValues(
      logits?.data,
      [-0.6609709263, -1.1225577593, -1.0822108984, -0.6587419509, -1.120727301, -1.0816004276],
    );
    const flags = withFields(own['config.json'], { problem_type: 'multi_label_classification' });
    using other = await loadModel(memorySource({ ...own, 'config.json': flags }), { gpu });
    const labels = [
      [1, 0, 1],
      [0, 0, 1],
    ];
    expectValues(
      (await other.forward({ inputIds, attentionMask, labels })).loss?.data,
      [0.7983631491],
    );

    const refused = (ids: number[][], ...parts: string[]): Promise<void> =>
      expectRejection(model.forward({ inputIds: ids }), 'INPUT_INVALID', ...parts);
    await refused([[0, 5, 2], [0, 2, 2]], 'inputIds[1] has 2 end tokens (2)', 'The first has 1'); // prettier-ignore
    await refused([[0, 5, 6]], 'inputIds[0] has 0 end tokens');
    const unlike = model.forward({ inputIds, decoderInputIds: [[2], [2]] });
    await expectRejection(unlike, 'INPUT_INVALID', 'decoderInputIds');
    await expectRejection(model.generate({ inputIds }), 'MODEL_UNSUPPORTED', 'does not generate');

    // One label is a number.
    using single = await loadModel(memorySource(await files({ id2label: { 0: 'score' } })), {
      gpu,
    });
    const scored = await single.forward({ inputIds, attentionMask, labels: [0.5, -1] });
    const [first = NaN, second = NaN] = scored.logits!.data;
    expectValues(scored.loss?.data, [((first - 0.5) ** 2 + (second + 1) ** 2) / 2]);
    using trainable = await loadModel(memorySource(await files({ id2label: { 0: 'score' } })), {
      gpu,
      training: true,
    });
    using trainer = new Trainer(trainable, { learningRate: 1e-3, dropout: false });
    const batch = { inputIds, attentionMask, labels: [0.5, -1] };
    expectValues([(await trainer.evaluate([batch])).loss], [...scored.loss!.data]);
    for await (const { skipped } of trainer.steps(() => batch, { maxSteps: 3 }))
      expect(skipped).toBe(false);
    const after = (await trainer.evaluate([batch])).loss;
    expect(after).toBeLessThan(scored.loss!.data[0]!);
  }));

test('it learns as in PyTorch, whole or adapted', () =>
  onGpu(async (gpu) => {
    const batch = { inputIds, attentionMask, labels: [2, 0] };
    const train = async (
      model: Model,
      options: Partial<TrainerOptions> = {},
    ): Promise<number[]> => {
      const common = { optimizer: sgd(), learningRate: 0.05, dropout: false };
      const trainer = new Trainer(model, { ...common, ...options });
      const losses: number[] = [];
      for await (const { loss } of trainer.steps(() => batch, { maxSteps: 4 })) losses.push(loss);
      trainer.dispose();
      return losses;
    };
    // torch.optim.SGD(lr=0.05)
    const wanted = [1.0368750095, 1.0124206543, 0.9904237986, 0.9705985785, 0.9526894093];
    using whole = await loadModel(memorySource(await files()), { gpu, training: true });
    expectValues(await train(whole), wanted.slice(0, 4));
    expectValues((await whole.forward(batch)).loss?.data, wanted.slice(4));

    using base = await loadModel(memorySource(await files()), { gpu });
    const adapter = new Lora(base, { rank: 2, targets: 'classification_head.*' });
    const losses = await train(base, { adapter, optimizer: adam() });
    expectValues(losses.slice(0, 1), wanted.slice(0, 1));
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.01);
    adapter.dispose();
  }));

test('texts of unlike numbers of end tokens are classified, each as alone', () =>
  onGpu(async (gpu) => {
    using model: Model = await loadModel(memorySource(await files()), { gpu });
    const texts: Readonly<Record<string, number[]>> = {
      pair: inputIds[0]!,
      single: [0, 5, 7, 2],
      other: [0, 3, 2],
    };
    const tokenizer = {
      padToken: 1,
      maxLength: undefined,
      encoding: (text: string) => ({ ids: texts[text] }),
    } as unknown as TaskParts['tokenizer'];
    const classify = textClassification({ model, tokenizer });
    const names = Object.keys(texts);
    const all = await classify(names, { topK: null });
    expect(all.map((labels) => labels[0]?.label)).toEqual(Array(3).fill('contradiction'));
    for (const [index, name] of names.entries()) {
      const alone = await classify(name, { topK: null });
      alone.forEach(({ label, score }, at) => {
        expect(all[index]?.[at]?.label).toBe(label);
        expect(all[index]?.[at]?.score).toBeCloseTo(score, 6);
      });
    }
  }));

test('a decoder that is given nothing repeats the source', () =>
  onGpu(async (gpu) => {
    const own = await files({ architectures: ['BartForConditionalGeneration'] });
    using model = await loadModel(memorySource(own), { gpu });
    const { logits } = await model.forward({ inputIds, attentionMask });
    expect(logits?.shape).toEqual([2, 8, 12]);
    expectValues(
      logits?.data.subarray(14 * 12, 14 * 12 + 6),
      [0.4540151656, 0.0327947065, -0.4031462669, -0.6581277251, -0.6176965237, -0.3000009656],
    );
  }));
