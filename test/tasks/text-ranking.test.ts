// Documents ranked by language models, as sentence-transformers ranks them on the same folder.
import { expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import type { TaskInputs, TaskModel } from '../../src/tasks/task.ts';
import { rankingOf, type TextRanking } from '../../src/tasks/text/text-ranking.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, jsonFiles, memorySource, withFields } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const query = 'Where was she born?';
const documents = [
  'Marie Curie was born in Warsaw.',
  'The ending of the film was terrible, but the river was good!',
  'London is a city.',
  'Paris '.repeat(60),
];

const modules = [
  {
    idx: 0,
    name: '0',
    path: '',
    type: 'sentence_transformers.base.modules.transformer.Transformer',
  },
  {
    idx: 1,
    name: '1',
    path: '1_LogitScore',
    type: 'sentence_transformers.cross_encoder.modules.logit_score.LogitScore',
  },
];
const way = { method: 'forward', method_output_name: 'logits' };
const message = { ...way, format: 'flat' };
const reading = { transformer_task: 'text-generation', max_seq_length: 90 };
const words = { true_token_id: 300, false_token_id: 301, module_input_name: 'causal_logits' };

/** What stands beside the checkpoint, and the scores of sentence-transformers 6.2 in float64. */
const cases: Record<string, readonly [Record<string, unknown>, readonly number[]]> = {
  'two words, a prompt and the begin of an answer': [
    {
      'modules.json': modules,
      '1_LogitScore/config.json': words,
      'sentence_bert_config.json': {
        ...reading,
        modality_config: { text: way, message },
        processing_kwargs: { chat_template: { add_generation_prompt: true } },
      },
      'config_sentence_transformers.json': {
        prompts: { web: 'find a city' },
        default_prompt_name: 'web',
      },
    },
    [0.16362382471561432, 0.03120650164783001, 0.6239336729049683, 0.8306336998939514],
  ],
  'one word, as it is': [
    {
      'modules.json': modules,
      '1_LogitScore/config.json': { ...words, false_token_id: null },
      'sentence_bert_config.json': { ...reading, modality_config: { text: way, message } },
      'config_sentence_transformers.json': { activation_fn: 'torch.nn.modules.linear.Identity' },
    },
    [-2.7663519382476807, -3.763882637023926, -2.5950095653533936, -2.918684244155884],
  ],
  'a frame that is cut with the document': [
    {
      'modules.json': modules,
      '1_LogitScore/config.json': words,
      'sentence_bert_config.json': {
        ...reading,
        max_seq_length: 40,
        modality_config: { text: way, message },
        processing_kwargs: {
          chat_template: { add_generation_prompt: true, restore_suffix: false },
        },
      },
      'config_sentence_transformers.json': { activation_fn: 'torch.nn.modules.linear.Identity' },
    },
    [-5.678962707519531, -4.427838325500488, -6.9434895515441895, -8.63325309753418],
  ],
  'texts without a chat template': [
    {
      'modules.json': modules,
      '1_LogitScore/config.json': words,
      'sentence_bert_config.json': { ...reading, modality_config: { text: way } },
      'config_sentence_transformers.json': { activation_fn: 'torch.nn.modules.linear.Identity' },
    },
    [-7.984005928039551, -2.474637031555176, -3.4943759441375732, 0.6503530144691467],
  ],
};

test.each(Object.keys(cases))('%s', (name) =>
  withGpu(usual, async (gpu) => {
    const [settings, scores] = cases[name]!;
    const source = memorySource({ ...(await taskFiles('gpt2')), ...jsonFiles(settings) });
    using rank = await pipeline('text-ranking', source, { gpu });
    const ranked = await rank(query, documents);
    expect(ranked.map(({ score }) => score)).toEqual(
      ranked.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    for (const { corpusId, score, text } of ranked) {
      expect(text).toBe(documents[corpusId]);
      expect(score).toBeCloseTo(scores[corpusId]!, 4);
    }
  }),
);

/** The task over a model that keeps what it is given, with a vocabulary of `size`; logits are the tokens' numbers. */
async function asked(
  config: Record<string, unknown>,
  changed: Files = {},
): Promise<{ rank: TextRanking; inputs: TaskInputs[]; tokenizer: Tokenizer }> {
  const all: Record<string, Uint8Array<ArrayBuffer>> = { ...(await taskFiles('gpt2')), ...changed };
  all['config.json'] = withFields(all['config.json'], config);
  const source = memorySource(all);
  const inputs: TaskInputs[] = [];
  const tokenizer = await Tokenizer.load(source, undefined);
  const model: TaskModel = {
    config: { vocab_size: 340, ...config },
    maxPositions: 4000,
    forward: (given, options) => {
      expect(options?.logitsToKeep).toBe(1);
      inputs.push(given);
      const shape = [given.inputIds.length, 1, 340];
      const data = Float32Array.from({ length: shape[0]! * 340 }, (_, i) => i % 340);
      return Promise.resolve({ logits: { data, shape } });
    },
    generate: () => Promise.reject(new Error('nothing is generated')),
    stream: () => {
      throw new Error('nothing is generated');
    },
  };
  const rank = (await rankingOf(source, undefined))({ model, tokenizer });
  return { rank, inputs, tokenizer };
}

const words300 = jsonFiles({
  'modules.json': modules,
  '1_LogitScore/config.json': words,
  'sentence_bert_config.json': { max_seq_length: 2000 },
});
/** A template that writes what the user says alone. */
const ofChats = {
  'chat_template.jinja': new TextEncoder().encode(
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}",
  ),
};

test('a Qwen3 with a template of chats is asked as Qwen3-Reranker was', async () => {
  const { rank, inputs, tokenizer } = await asked(
    { model_type: 'qwen3' },
    { ...words300, ...ofChats },
  );
  // LogitScore compares the logits 300 and 301.
  const [first] = await rank('Who?', ['She.', 'He, I think.'], { prompt: 'Find a name' });
  expect(first!.score).toBeCloseTo(1 / (1 + Math.E), 6);
  const [{ inputIds, attentionMask } = { inputIds: [], attentionMask: [] }] = inputs;
  const texts = inputIds.map((row, i) =>
    tokenizer.decode(
      row.filter((_, at) => attentionMask[i]![at] === 1),
      { skipSpecialTokens: false },
    ),
  );
  expect(texts).toHaveLength(2);
  for (const [i, document] of ['He, I think.', 'She.'].entries()) {
    expect(texts[i]).toContain('Note that the answer can only be "yes" or "no".<|im_end|>');
    expect(texts[i]).toContain(
      `<Instruct>: Find a name\n<Query>: Who?\n<Document>: ${document}<|im_end|>`,
    );
    expect(texts[i]!.endsWith('<|im_start|>assistant\n<think>\n\n</think>\n\n')).toBe(true);
  }
  // Shorter texts are padded on the left, so that all end where the answer begins.
  expect(attentionMask.map((row) => row.at(-1))).toEqual([1, 1]);
  expect(attentionMask[1]![0]).toBe(0);
});

test('what cannot ask says so', async () => {
  const { rank } = await asked({ model_type: 'gpt2' }, { ...words300, ...ofChats });
  await expectRejection(
    rank(query, documents),
    'MODEL_UNSUPPORTED',
    'passes over messages of the roles query and document',
  );
  await expectRejection(asked({}), 'MODEL_UNSUPPORTED', '"yes" and "no"');
  const wrong = { 'modules.json': modules, '1_LogitScore/config.json': { true_token_id: 'yes' } };
  await expectRejection(asked({}, jsonFiles(wrong)), 'MODEL_UNSUPPORTED', 'LogitScore');
  const { rank: other } = await asked({}, words300);
  await expectRejection(
    other(query, documents, { promptName: 'webb' }),
    'OPTION_INVALID',
    'promptName',
  );
});
