// Named points of every family: they have the shapes that they are said to have, and what is put in their place is what
// the model goes on with.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type ModelOutput } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

/** One of each family. */
const cases = `
  bart bert_mlm gpt2 llama_gqa marian qwen2 roberta_base t5_gated vit whisper
  variants/albert_mlm variants/blip variants/bloom variants/clip_pairs variants/cohere2 variants/deberta_v2
  variants/deit variants/dinov2 variants/distilbert_qa variants/electra_seqcls variants/gemma2
  variants/gemma3n_text variants/gemma4 variants/gemma4_experts variants/gpt_neox variants/gpt_oss
  variants/granite variants/imagegpt variants/lfm2 variants/lfm3 variants/m2m_100 variants/mbart
  variants/ministral3 variants/modernbert_mlm variants/moonshine variants/mpnet variants/nomic_bert_mlm
  variants/olmo2 variants/opt variants/pegasus variants/phi3 variants/qwen3 variants/qwen3_5
  variants/qwen3_moe variants/siglip variants/smollm3 variants/stablelm variants/t5gemma variants/trocr
  variants/umt5 variants/ved_bert variants/wav2vec2_ctc variants/xlm_roberta_qa variants/yolos`;

const onGpu = sharedGpu({});

test.each(cases.trim().split(/\s+/))('%s', (folder) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(folder), { gpu });
    const points = await model.points();
    const names = points.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(8);

    const expected = await readCase(folder);
    const [call = ''] = Object.keys(expected.inputs);
    const { labels: _labels, ...inputs } = callInputs(expected, call);
    const plain = await model.forward(inputs);
    const { captured = {}, ...seen } = await model.forward(inputs, { capture: names });
    expectAlike(seen, plain);
    expect(Object.keys(captured)).toEqual(names);
    for (const { name, shape } of points) {
      const tensor = captured[name];
      const sizes = shape.map((size, axis) =>
        typeof size === 'number' ? size : tensor?.shape[axis],
      );
      expect(tensor?.shape, `shape of ${name}`).toEqual(sizes);
      expect(tensor?.data.every(Number.isFinite), `values of ${name}`).toBe(true);
    }

    // All of them put in place of themselves leave everything as it is; one that is not changes it.
    const edit = names.map((at) => ({ at, from: captured }));
    expectAlike(await model.forward(inputs, { edit }), plain);
    const at = names[Math.floor(names.length / 2)] ?? '';
    const changed = await model.forward(inputs, { edit: [{ at, replace: 0.37 }] });
    expect(differenceOf(changed, plain), `edit of ${at}`).toBeGreaterThan(1e-6);
  }),
);

function expectAlike(output: ModelOutput, wanted: ModelOutput): void {
  expect(differenceOf(output, wanted)).toBeLessThan(2e-5);
}

/** The largest difference of all outputs, as a part of the largest number of one. */
function differenceOf(output: ModelOutput, wanted: ModelOutput): number {
  const all = Object.entries(wanted).map(([name, tensor]) => {
    const { data } = tensor as DenseTensor;
    const got = output[name as keyof ModelOutput] as DenseTensor;
    let [worst, largest] = [0, 0];
    data.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - got.data[i]!));
      largest = Math.max(largest, Math.abs(value));
    });
    return worst / largest;
  });
  return Math.max(...all);
}
