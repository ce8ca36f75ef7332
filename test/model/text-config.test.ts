// What is made of the config.json of a model that sees images too, and of its weights.
import { expect, test } from 'vitest';
import { tasksFor } from '../../src/cli/describe.ts';
import { textConfig } from '../../src/model/text-config.ts';

const whole = {
  model_type: 'gemma4',
  architectures: ['Gemma4ForConditionalGeneration'],
  eos_token_id: [1, 106],
  tie_word_embeddings: null,
  text_config: { model_type: 'gemma4_text', hidden_size: 8, eos_token_id: 1, pad_token_id: 0 },
};

test('the part is taken as a language model, and what stands beside it counts', async () => {
  const text = textConfig(whole);
  expect(text).toEqual({
    model_type: 'gemma4_text',
    architectures: ['Gemma4ForCausalLM'],
    hidden_size: 8,
    eos_token_id: [1, 106],
    pad_token_id: 0,
  });
  expect(await tasksFor(text, 'Gemma4ForCausalLM')).toContain('text-generation');
});

test('base models, and what old files leave out', () => {
  expect(textConfig({ ...whole, architectures: ['Gemma4Model'] })).toMatchObject({
    architectures: ['Gemma4TextModel'],
  });
  const gemma3 = {
    ...whole,
    model_type: 'gemma3',
    architectures: 'Gemma3ForConditionalGeneration',
  };
  expect(textConfig(gemma3)).toMatchObject({
    model_type: 'gemma3_text',
    architectures: ['Gemma3ForCausalLM'],
    num_attention_heads: 8,
    hidden_size: 8,
  });
});

test('models that are no such wholes stay as they are', () => {
  for (const other of [
    { ...whole, model_type: 'clip' },
    { ...whole, model_type: 'toString' },
    { ...whole, text_config: 'gemma4_text' },
  ]) {
    expect(textConfig(other)).toBe(other);
  }
});
