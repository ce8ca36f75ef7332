// What Gemma 3n's config.json says in lists, and the quantiles that its gates are cut by.
import { expect, test } from 'vitest';
import { normalQuantile } from '../../src/model/layers/sparse-gate.ts';
import { tensorShapes } from '../../src/training/initialize.ts';

const config = {
  model_type: 'gemma3n_text',
  architectures: ['Gemma3nForCausalLM'],
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  head_dim: 4,
  max_position_embeddings: 16,
  num_kv_shared_layers: 0,
  vocab_size_per_layer_input: 5,
  hidden_size_per_layer_input: 3,
};

test('quantiles of the normal distribution', () => {
  // From tables of Φ⁻¹, to fifteen digits.
  for (const [p, z] of [
    [0.5, 0],
    [0.95, 1.64485362695147],
    [0.05, -1.64485362695147],
    [0.9, 1.2815515655446],
    [0.999999, 4.7534243088229],
    [0.000001, -4.7534243088229],
  ] as const) {
    expect(Math.abs(normalQuantile(p) - z), `${p}`).toBeLessThan(1e-10);
  }
});

test('widths and shares by layer', () => {
  const shapes = tensorShapes({ ...config, intermediate_size: [6, 10] });
  expect(shapes.get('model.layers.0.mlp.gate_proj.weight')).toEqual([6, 8]);
  expect(shapes.get('model.layers.1.mlp.down_proj.weight')).toEqual([8, 10]);
  for (const wrong of [
    { intermediate_size: [6] },
    { intermediate_size: [6, 0] },
    { intermediate_size: [6, 2.5] },
    { activation_sparsity_pattern: 0.5 },
    { activation_sparsity_pattern: [0.5] },
    { activation_sparsity_pattern: [0.5, 1] },
    { activation_sparsity_pattern: [0.5, null] },
    { altup_active_idx: 4 },
    { altup_num_inputs: 0 },
    { altup_coef_clip: 0 },
    { num_kv_shared_layers: 2 },
    { num_kv_shared_layers: 1, layer_types: ['sliding_attention', 'full_attention'] },
  ]) {
    const name = Object.keys(wrong)[0]!;
    const refused = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`"${name}"`) as unknown,
    }) as Error;
    expect(() => tensorShapes({ ...config, ...wrong })).toThrow(refused);
  }
});
