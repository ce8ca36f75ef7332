// Gradients of losses of every kind against PyTorch's, for every weight.
import { expect, test } from 'vitest';
import { loadModel, type Gpu } from 'webgpu-transformer';
import { arenaSegments, viewOf } from '../../src/model/weights/parameter-arena.ts';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { trainableParameters } from '../../src/training/trainable-parts.ts';
import '../../src/training/trainable-models.ts';
import { Scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { GradientPlan } from '../../src/training/gradient-plan.ts';
import { labelCrossEntropy } from '../../src/training/objective.ts';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { readFixture } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource, readValues, type Values } from '../support/source.ts';

async function computeGradients(
  gpu: Gpu,
  name: string,
  call: string,
): Promise<Map<string, Values>> {
  const expected = await readCase(name);
  using model = await loadModel(fixtureSource(name), { gpu, training: true });
  const head = model.trainable();
  const parameters = trainableParameters(head);
  const scope = new Scope(gpu);
  const sizes = parameters.segments.map((segment) => segment.size(0));
  const segments = arenaSegments(scope, 'gradients', sizes);
  const places = new Map<Tensor, Tensor>(
    parameters.places.map(({ tensor, segment, first }) => [
      tensor,
      viewOf(segments[segment]!, first, { label: tensor.label, shape: tensor.shape }),
    ]),
  );
  const inputs = callInputs(expected, call);
  const batch = head.prepare(inputs, 1);
  const loss = scope.tensor({ label: 'loss', shape: [1], dtype: 'f32' });
  const objective = labelCrossEntropy(0);
  const plan = await GradientPlan.create(
    head,
    { batch, inputs },
    { scope, objective, gradients: places, loss },
  );
  const sum = await plan.play({ batch, inputs }, batch.labels);
  const wanted = expected.values.get(`${call}/loss`)!;
  expectClose({ data: Float32Array.of(sum / batch.labels), shape: [] }, wanted, 'loss');
  const values = await readParameters(gpu, parameters, segments);
  plan.dispose();
  scope.dispose();
  return values as Map<string, Values>;
}

function largest({ data }: Values): number {
  return data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

for (const { name: device, options } of await testGpus()) {
  test.each([
    ['bert_seqcls', 'main'],
    ['gpt2', 'main'],
    ['llama_gqa', 'main'],
    ['marian', 'labels'],
    ['t5_gated', 'labels'],
    ['t5_relu', 'labels'],
    ['variants/albert_seqcls', 'main'],
    ['variants/bert_multilabel', 'main'],
    ['variants/bert_regression', 'main'],
    ['variants/blip', 'main'],
    ['variants/bloom', 'main'],
    ['variants/clip_imgcls', 'main'],
    ['variants/clip_pairs', 'main'],
    ['variants/cohere2', 'main'],
    ['variants/deberta_mlm', 'main'],
    ['variants/deberta_v2_seqcls', 'main'],
    ['variants/deit', 'main'],
    ['variants/dinov2_imgcls', 'main'],
    ['variants/distilbert_qa', 'main'],
    ['variants/electra_discriminator', 'main'],
    ['variants/gemma2', 'main'],
    ['variants/gemma3_text', 'main'],
    ['variants/gemma3n_text', 'padded'],
    ['variants/gemma4_experts', 'padded'],
    ['variants/gemma4_text', 'padded'],
    ['variants/gemma4_unified_text', 'padded'],
    ['variants/gpt_neox', 'main'],
    ['variants/gpt_oss', 'main'],
    ['variants/gpt_oss_balanced', 'main'],
    ['variants/granite', 'main'],
    ['variants/gte_seqcls', 'main'],
    ['variants/hubert_ctc', 'main'],
    ['variants/hubert_seqcls', 'main'],
    ['variants/imagegpt', 'main'],
    ['variants/imagegpt_imgcls', 'main'],
    ['variants/jina_v3_mlm', 'main'],
    ['variants/lfm2', 'padded'],
    ['variants/lfm3', 'padded'],
    ['variants/lfm2_moe', 'main'],
    ['variants/ministral3', 'main'],
    ['variants/llama_yarn', 'main'],
    ['variants/modernbert_mlm', 'main'],
    ['variants/moonshine', 'labels'],
    ['variants/mpnet_tokcls', 'main'],
    ['variants/nomic_bert_mlm', 'main'],
    ['variants/olmo2', 'main'],
    ['variants/opt', 'main'],
    ['variants/phi3', 'main'],
    ['variants/qwen3', 'main'],
    ['variants/qwen3_5_mild', 'padded'],
    ['variants/qwen3_moe', 'main'],
    ['variants/qwen3_moe_balanced', 'main'],
    ['variants/siglip', 'masked'],
    ['variants/siglip_imgcls', 'main'],
    ['variants/t5gemma', 'labels'],
    ['variants/trocr', 'labels'],
    ['variants/trocr_alone', 'main'],
    ['variants/umt5', 'labels'],
    ['variants/smollm3', 'main'],
    ['variants/ved_gpt2', 'labels'],
    ['variants/wav2vec2_ctc', 'main'],
    ['variants/wav2vec2_seqcls', 'main'],
    ['variants/whisper_audiocls', 'main'],
    ['variants/yolos_labels', 'main'],
    ['whisper', 'labels'],
  ])(`%s, ${device}`, (name, call) =>
    withGpu(options, async (gpu) => {
      const expected = readValues(await readFixture(`${name}/expected_grads.safetensors`));
      const got = await computeGradients(gpu, name, call);
      expect([...got.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      for (const [tensor, wanted] of expected) {
        // A bias of all keys, or of all positions as keys, changes no weight, so it has no gradient in exact
        // arithmetic; what is left of it is held to the scale of the queries' bias.
        // Nor has what adds the same to the logits of all places of an answer.
        const ofQueries = tensor
          .replace(/(qa_outputs|layer\.1\.output_layer_norm)\.bias$/, '$1.weight')
          .replace(/key\.bias$/, 'query.bias')
          .replace(/attn\.k\.bias$/, 'attn.q.bias')
          .replace(/pos_key_proj\.bias$/, 'query_proj.bias')
          .replace(/k_lin\.bias$/, 'q_lin.bias')
          .replace(/k_proj\.bias$/, 'q_proj.bias');
        const queries = expected.get(ofQueries)!;
        // An expert that no token sees has gradients of 0.
        const scale = largest(queries) / (largest(wanted) || 1);
        expectClose(got.get(tensor), wanted, tensor, () => true, 2e-5 * scale);
      }
    }),
  );
}
