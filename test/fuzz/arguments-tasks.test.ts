// Wrong arguments of pipelines and tokenizers, apart from any device.
import { expect, test } from 'vitest';
import { cosineSimilarity, type DenseTensor } from 'webgpu-transformer';
import { generationValues } from '../../src/model/generation/read-options.ts';
import { throwIfAborted } from '../../src/runtime/errors.ts';
import { embeddings, sentenceSimilarity } from '../../src/tasks/text/embeddings.ts';
import { featureExtraction } from '../../src/tasks/text/feature-extraction.ts';
import { fillMask } from '../../src/tasks/text/fill-mask.ts';
import { imageToText } from '../../src/tasks/image/image-to-text.ts';
import { questionAnswering } from '../../src/tasks/text/question-answering.ts';
import type { ImageTaskInputs, TaskInputs, TaskParts } from '../../src/tasks/task.ts';
import { textClassification } from '../../src/tasks/text/text-classification.ts';
import { textGeneration } from '../../src/tasks/text/text-generation.ts';
import { textRanking } from '../../src/tasks/text/text-ranking.ts';
import { summarization, text2textGeneration } from '../../src/tasks/text/text-to-text.ts';
import { tokenClassification } from '../../src/tasks/text/token-classification.ts';
import { translation } from '../../src/tasks/text/translation.ts';
import { zeroShotClassification } from '../../src/tasks/text/zero-shot-classification.ts';
import { zeroShotImageClassification } from '../../src/tasks/image/zero-shot-image-classification.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { image, imageParts, imageWays } from '../support/image-ways.ts';
import { callables } from '../support/interface.ts';
import { ScriptedModel } from '../support/scripted-model.ts';
import { memorySource } from '../support/source.ts';
import { soundWays } from '../support/sound-ways.ts';
import { cpuParts, taskFiles } from '../support/tasks.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

/** Checks options as models do, and answers with what it reads. */
class CheckedModel extends ScriptedModel {
  override readonly maxPositions: number = 4000;

  override generate(
    ...call: Parameters<ScriptedModel['generate']>
  ): ReturnType<ScriptedModel['generate']> {
    this.#check(call);
    return super.generate(...call);
  }

  override stream(
    ...call: Parameters<ScriptedModel['stream']>
  ): ReturnType<ScriptedModel['stream']> {
    this.#check(call);
    return super.stream(...call);
  }

  #check([{ inputIds }, options = {}]: Parameters<ScriptedModel['generate']>): void {
    throwIfAborted(options.signal);
    const { maxPositions, config } = this;
    const prompt = inputIds[0]?.length ?? 0;
    const bounds = { vocabulary: 300, maxPositions, statedPositions: maxPositions, prompt };
    generationValues(options, config, bounds);
  }
}

const reader = await Tokenizer.load(memorySource(await taskFiles('gpt2')), undefined);
const config = { pad_token_id: reader.padToken, eos_token_id: 5 };
const t5 = { ...config, model_type: 't5' };
const writer = (fields: object, keeps: boolean): TaskParts => ({
  model: new CheckedModel({ ...fields }, (ids) => [ids], keeps),
  tokenizer: reader,
});
const [features, mlm, multi, ner, nli, qa, rank] = await Promise.all(
  ['features', 'mlm', 'multi', 'ner', 'nli', 'qa', 'rank'].map((head) => cpuParts(`bert/${head}`)),
);

const text = 'Marie Curie was born in Warsaw.';
const texts = (...more: readonly unknown[]): Way['right'] => [
  () => [text, ...structuredClone(more)],
  () => [[text], ...structuredClone(more)],
];
const one = (...args: readonly unknown[]): Way['right'] => [() => structuredClone([...args])];

const translate = translation(writer(t5, false));
const summarize = summarization(writer(config, false));
const answer = text2textGeneration(writer(config, false));
const captioner = new CheckedModel({ ...config }, (ids) => [ids], false);
const startOf = ({ pixelValues: { shape } }: ImageTaskInputs): TaskInputs => {
  const rows = Array.from({ length: shape[0] ?? 1 }, () => [7]);
  return { inputIds: rows, attentionMask: rows.map(() => [1]) };
};
const caption = imageToText({
  ...imageParts,
  model: {
    gpu: imageParts.model.gpu,
    maxPositions: captioner.maxPositions,
    generate: (inputs, options) => captioner.generate(startOf(inputs), options),
    stream: (inputs, options) => captioner.stream(startOf(inputs), options),
  },
  tokenizer: reader,
});
const match = zeroShotImageClassification({
  ...imageParts,
  model: {
    ...imageParts.model,
    maxPositions: 77,
    forward: ({ inputIds = [], pixelValues, textEmbeds }) => {
      const zeros = (...shape: [number, number]): DenseTensor => {
        return { data: new Float32Array(shape[0] * shape[1]), shape };
      };
      const counts = [pixelValues?.shape[0] ?? 1, textEmbeds?.shape[0] ?? 1] as const;
      return Promise.resolve({
        textEmbeds: zeros(inputIds.length, 3),
        logitsPerImage: zeros(...counts),
      });
    },
  },
  tokenizer: reader,
});
const go = textGeneration(writer(config, true));
const classify = textClassification(multi!);
const names = tokenClassification(ner!);
const ranked = textRanking(rank!);
const embed = (await embeddings(features!.files, undefined))(features!);
const alike = (await sentenceSimilarity(features!.files, undefined))(features!);

const pairs: Way['right'] = [
  () => [text, {}],
  () => [{ text, textPair: text }, {}],
  () => [[text], {}],
  () => [[{ text, textPair: text }], {}],
];
const message = { role: 'user', content: 'Hi' };
const settings = one(text, {});

/** One token stands for a list of it; what is called while generating is not called here. */
const lenient = {
  '1.suppressTokens': ['zero'],
  '1.beginSuppressTokens': ['zero'],
  '1.stoppingCriteria': ['function'],
};
const views = { 0: ['bytes'] };
const nothing = { '1.tools': ['null'], '1.documents': ['null'] };
const chats = { '1.chat.tools': ['null'], '1.chat.documents': ['null'] };

const ways: Readonly<Record<string, Way>> = {
  ...imageWays,
  'image-to-text': {
    call: caption,
    right: [() => [image(), {}], () => [[image()], {}]],
    takes: lenient,
  },
  'image-to-text.stream': {
    call: (...args: Parameters<typeof caption.stream>) => caption.stream(...args),
    right: [() => [image(), {}]],
    takes: lenient,
  },
  ...soundWays,
  cosineSimilarity: { call: cosineSimilarity, right: one([1, 2], [2, 3]) },
  embeddings: { call: embed, right: texts({}) },
  'feature-extraction': { call: featureExtraction(features!), right: texts({}) },
  'fill-mask': {
    call: fillMask(mlm!),
    right: [() => ['A [MASK].', {}], () => [['A [MASK].'], {}]],
  },
  'question-answering': {
    call: questionAnswering(qa!),
    right: [
      () => [{ question: 'Who?', context: text }, {}],
      () => [[{ question: 'Who?', context: text }], {}],
    ],
  },
  'sentence-similarity': { call: alike, right: one({ sourceSentence: 'a', sentences: ['b'] }, {}) },
  summarization: { call: summarize, right: texts({}), takes: lenient },
  'summarization.stream': {
    call: (...args: [string]) => summarize.stream(...args),
    right: settings,
    takes: lenient,
  },
  'text-classification': {
    call: classify,
    right: pairs,
    // No second text.
    takes: { '0.textPair': ['null'], '0.0.textPair': ['null'] },
  },
  'text-generation': {
    call: go,
    takes: { ...lenient, ...chats },
    right: [
      () => [[{ ...message }], { chat: {} }],
      () => [[[{ ...message }]], { chat: {} }],
      ...texts({}),
    ],
  },
  'text-generation.stream': {
    call: (...args: [string]) => go.stream(...args),
    takes: { ...lenient, ...chats },
    right: [() => [[{ ...message }], { chat: {} }], ...settings],
  },
  'text-ranking': { call: ranked, right: one('Who?', [text, text], {}) },
  'text2text-generation': { call: answer, right: texts({}), takes: lenient },
  'text2text-generation.stream': {
    call: (...args: [string]) => answer.stream(...args),
    right: settings,
    takes: lenient,
  },
  'token-classification': { call: names, right: texts({}) },
  translation: { call: translate, right: texts({ to: 'de' }), takes: lenient },
  'translation.stream': {
    call: (...args: [string]) => translate.stream(...args),
    right: one(text, { to: 'de' }),
    takes: lenient,
  },
  'translation.encode': {
    call: (...args: [string]) => translate.encode(...args),
    right: one(text, { to: 'de' }),
  },
  'translation.unknownParts': {
    call: (...args: [string]) => translate.unknownParts(...args),
    right: one(text),
  },
  'zero-shot-classification': {
    call: zeroShotClassification(nli!),
    right: [() => [text, ['a', 'b'], {}], () => [[text], ['a', 'b'], {}]],
  },
  'zero-shot-image-classification': {
    call: match,
    right: [() => [image(), ['a', 'b'], {}], () => [[image()], ['a', 'b'], {}]],
  },
  'tokenizer.encode': {
    call: (...args: [string]) => reader.encode(...args),
    right: one(text, text, {}),
    takes: { 1: ['null'] },
  },
  'tokenizer.encoding': {
    call: (...args: [string]) => reader.encoding(...args),
    right: one(text, text, {}),
    takes: { 1: ['null'] },
  },
  'tokenizer.encodingWindows': {
    call: (...args: Parameters<Tokenizer['encodingWindows']>) => reader.encodingWindows(...args),
    right: one(text, text, { maxLength: 9 }),
    takes: { 1: ['null'] },
  },
  'tokenizer.encodingCut': {
    call: (...args: Parameters<Tokenizer['encodingCut']>) => reader.encodingCut(...args),
    right: one(text, text, { maxLength: 9 }),
    takes: { 1: ['null'] },
  },
  'tokenizer.decode': {
    takes: views,
    call: (...args: [number[]]) => reader.decode(...args),
    right: one([1, 2], {}),
  },
  'tokenizer.decodeCertain': {
    takes: views,
    call: (ids: number[]) => reader.decodeCertain(ids),
    right: one([1, 2]),
  },
  'tokenizer.tokens': {
    takes: views,
    call: (ids: number[]) => reader.tokens(ids),
    right: one([1, 2]),
  },
  'tokenizer.vocabulary': { call: () => reader.vocabulary(), right: one() },
  'tokenizer.applyChatTemplate': {
    takes: nothing,
    call: (...args: Parameters<Tokenizer['applyChatTemplate']>) =>
      reader.applyChatTemplate(...args),
    right: one([message], {}),
  },
  'tokenizer.encodeChat': {
    takes: nothing,
    call: (...args: Parameters<Tokenizer['encodeChat']>) => reader.encodeChat(...args),
    right: one([message], {}),
  },
};

const all = callables('src/index.ts');
const ofTasks = new Set<string>(Object.keys(ways));
/** The same functions by other names. */
const others = ['ner', 're-ranking', 'sentiment-analysis'];

test('every task and method has a case', () => {
  const isTask = (name: string): boolean =>
    /^(tokenizer|translation|[a-z0-9]+(-[a-z0-9]+)+|embeddings|summarization)(\.|$)/.test(name);
  const named = [...all.keys()].filter((name) => isTask(name) && !name.endsWith('.dispose'));
  expect(named.filter((name) => !ofTasks.has(name) && !others.includes(name))).toEqual([]);
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way);
});
