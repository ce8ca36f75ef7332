// Models whose logits would be large train without ever having them: the losses and the update are those of whole
// logits: tied and untied, capped, smoothed, with adapters over f16.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  initialCheckpoint,
  labelCrossEntropy,
  Lora,
  type Objective,
  sgd,
  Trainer,
} from 'webgpu-transformer/training';
import type { Gpu } from 'webgpu-transformer';
import { readBack } from '../../src/runtime/read-back.ts';
import { crossEntropy } from '../../src/shaders/loss/cross-entropy.ts';
import type { JsonObject } from '../../src/source/json.ts';
import { classesOf } from '../../src/training/objective.ts';
import { expectClose } from '../support/expected.ts';
import { withGpu } from '../support/gpu.ts';
import { playedLists } from '../support/lists.ts';
import { Random } from '../support/random.ts';

const [vocabulary, length] = [70_000, 250];

const decoder: JsonObject = {
  vocab_size: vocabulary,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  intermediate_size: 8,
  max_position_embeddings: length,
};
const configs: Readonly<Record<string, JsonObject>> = {
  tied: { ...decoder, model_type: 'llama', tie_word_embeddings: true },
  capped: { ...decoder, model_type: 'gemma2', final_logit_softcapping: 0.5, sliding_window: 16 },
  untied: {
    model_type: 't5',
    vocab_size: vocabulary,
    d_model: 8,
    d_kv: 4,
    d_ff: 8,
    num_layers: 1,
    num_heads: 2,
    decoder_start_token_id: 0,
    pad_token_id: 0,
    dropout_rate: 0,
    tie_word_embeddings: false,
  },
};

/** The same of all logits at once. */
const whole = (smoothing: number): Objective => ({
  name: 'whole',
  record(_recording, { from }) {
    const { logits, labels } = classesOf(from, 'whole logits');
    return { losses: crossEntropy(logits, labels, smoothing) };
  },
});

function batch(pair: boolean): ModelInputs {
  const random = new Random(6);
  const inputIds = [[...random.indices(length, vocabulary)]];
  const labels = [inputIds[0]!.map((id, i) => (i % 5 === 2 ? -100 : id))];
  return pair ? { inputIds: [[5, 9, 1]], labels } : { inputIds, labels };
}

interface Trained {
  readonly loss: number;
  readonly evaluated: number;
  readonly parameters: readonly Float32Array[];
  /** Rows that tensors of logits have, and their gradients. */
  readonly rows: readonly number[];
}

async function train(
  gpu: Gpu,
  config: JsonObject,
  objective: Objective,
  lora: boolean,
): Promise<Trained> {
  const source = initialCheckpoint(config, { seed: 4 });
  const inputs = batch(config['model_type'] === 't5');
  using model = await loadModel(source, { gpu, ...(lora ? { dtype: 'f16' } : { training: true }) });
  using adapter = lora ? new Lora(model, { rank: 2, targets: ['*q_proj', '*v_proj'] }) : undefined;
  using trainer = new Trainer(model, {
    learningRate: 1,
    optimizer: sgd(),
    objective,
    ...(adapter && { adapter }),
  });
  let [loss, evaluated] = [NaN, NaN];
  const lists = await playedLists(async () => {
    for await (const step of trainer.steps(() => inputs, { maxSteps: 1 })) ({ loss } = step);
    evaluated = (await trainer.evaluate([inputs])).loss;
  });
  const tensors = lists.flatMap(({ recording }) =>
    recording.dispatches.flatMap(({ bindings }) => Object.values(bindings)),
  );
  const ofLogits = new Set(tensors.filter((tensor) => tensor?.label.endsWith('logits')));
  const parameters = await readBack(gpu, trainer.state.parameters.segments);
  return {
    loss,
    evaluated,
    parameters: parameters.map((bytes) => new Float32Array(bytes)),
    rows: [...ofLogits].map((tensor) => tensor!.size(-2)),
  };
}

test.each([
  ['capped', 0, false],
  ['untied', 0.2, false],
  ['tied', 0.1, true],
] as const)('%s, smoothing %d, adapters: %s', (name, smoothing, lora) =>
  withGpu({}, async (gpu) => {
    const config = configs[name]!;
    const pieces = await train(gpu, config, labelCrossEntropy(smoothing), lora);
    const all = await train(gpu, config, whole(smoothing), lora);
    expect(Math.max(...all.rows)).toBeGreaterThanOrEqual(length);
    expect(Math.max(...pieces.rows)).toBe(64);
    expect(pieces.loss).toBeCloseTo(all.loss, 5);
    expect(pieces.evaluated).toBeCloseTo(all.evaluated, 5);
    pieces.parameters.forEach((data, i) => {
      const wanted = all.parameters[i]!;
      const shape = [data.length];
      expectClose({ data, shape }, { data: wanted, shape }, `segment ${i}`);
    });
  }),
);
