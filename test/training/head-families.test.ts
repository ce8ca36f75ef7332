// Attention heads of every family that trains: which weights are a head's is written out here, by the
// names of Hugging Face's checkpoints. The scores are by PyTorch 2.13 and transformers 5.24, of the same
// inputs: |Σ W ∘ dW| over a head's part of the projection.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { pruneHeads, scoreHeads, Trainer } from 'webgpu-transformer/training';
import { readParameters, writeParameters } from '../../src/model/weights/read-parameters.ts';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

const onGpu = sharedGpu();

const projections = {
  bart: 'model.decoder.layers.1.encoder_attn.out_proj.weight',
  bert_tokcls: 'bert.encoder.layer.1.attention.output.dense.weight',
  distilbert_seqcls: 'distilbert.transformer.layer.1.attention.out_lin.weight',
  gpt2: 'transformer.h.1.attn.c_proj.weight',
  llama_gqa: 'model.layers.1.self_attn.o_proj.weight',
  marian: 'model.decoder.layers.1.self_attn.out_proj.weight',
  roberta_seqcls: 'roberta.encoder.layer.1.attention.output.dense.weight',
  t5_gated: 'decoder.block.1.layer.1.EncDecAttention.o.weight',
};

test.each([
  ['bart', 'labels', 'cross', [0.08125634, 0.7303117, 0.2741969, 0.3785304]],
  ['bert_tokcls', 'main', 'encoder', [0.001734357, 0.133335, 0.02389651, 0.117758]],
  ['distilbert_seqcls', 'main', 'encoder', [0.1392185, 0.1934081, 0.07962781, 0.1319295]],
  ['gpt2', 'main', 'decoder', [0.3829117, 0.07424184, 0.3305056, 0.4375196]],
  [
    'llama_gqa',
    'main',
    'decoder',
    [0.1535338, 0.2150554, 0.05827324, 0.1418572, 0.1319951, 0.002209344],
  ],
  ['marian', 'labels', 'decoder', [0.2195247, 0.1264695, 0.4509831, 0.07975566]],
  ['roberta_seqcls', 'main', 'encoder', [0.3128154, 0.4357332]],
  ['t5_gated', 'labels', 'cross', [0.1551092, 0.02864392, 0.03747272, 0.09638788]],
] as const)('%s', async (fixture, call, stack, wanted) => {
  const inputs = callInputs(await readCase(fixture), call);
  const name = projections[fixture];
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(fixture), { gpu, training: true });
    const trainer = new Trainer(model, { learningRate: 1 });
    const { parameters } = trainer.state;
    const one = { stack, layer: 1, head: 1 };
    const heads = wanted.length;
    const scores = await scoreHeads(trainer, [inputs], { normalize: false });
    const own = scores.filter((score) => score.stack === stack && score.layer === one.layer);
    expect(own.map(({ head }) => head)).toEqual(wanted.map((_, index) => index));
    const most = Math.max(...wanted);
    own.forEach(({ score }, i) => expect(Math.abs(score - wanted[i]!)).toBeLessThan(2e-5 * most));
    // GPT-2 stores (in, out), the others (out, in); heads lie along what goes in.
    const before = await readParameters(gpu, parameters);
    const { shape, data } = before.get(name)!;
    const [rows = 0, columns = 0] = shape;
    const width = fixture === 'gpt2' ? rows : columns;
    const without = data.map((value, i) => {
      const input = fixture === 'gpt2' ? Math.floor(i / columns) : i % columns;
      return Math.floor((input * heads) / width) === one.head ? 0 : value;
    });
    const zeroed = new Map([...before, [name, { shape, data: without }]]);
    writeParameters(gpu, parameters, zeroed);
    const { loss } = await trainer.evaluate([inputs]);
    writeParameters(gpu, parameters, before);
    expect((await pruneHeads(trainer, { heads: [one] })).heads).toEqual([{ ...one, name }]);
    expect((await trainer.evaluate([inputs])).loss).toBe(loss);
    expect(await readParameters(gpu, parameters)).toEqual(zeroed);
    trainer.dispose();
  });
});
