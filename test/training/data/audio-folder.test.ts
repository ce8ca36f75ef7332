// Sounds with their texts as what models of speech learn from: labels and losses as Python has them, and what is wrong.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FeatureExtractor, loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  adam,
  audioFolder,
  loadSpeechProcessor,
  speechBatch,
  Trainer,
} from 'webgpu-transformer/training';
import { readFixture, readFixtureJson } from '../../support/fixture.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  withFields,
} from '../../support/source.ts';

const onGpu = sharedGpu();
const whisper = fixtureSource('whisper_task');

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sounds-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

test.each([
  ['metadata.csv', 'file_name,transcription\na.wav,one\nb.mp3,two\n'],
  ['metadata.tsv', 'file_name\ttext\na.wav\tone\nb.mp3\ttwo\n'],
  ['metadata.jsonl', '{"file_name":"a.wav","text":"one"}\n{"file_name":"b.mp3","sentence":"two"}'],
])('%s says what sounds say', async (name, content) => {
  const folder = await folderOf({ [name]: content, 'a.wav': '', 'b.mp3': '' });
  expect(await audioFolder(folder)).toEqual([
    { sound: join(folder, 'a.wav'), text: 'one' },
    { sound: join(folder, 'b.mp3'), text: 'two' },
  ]);
});

test.each([
  ['INPUT_INVALID', { 'a.wav': '' }, ['no metadata.csv', 'transcription']],
  [
    'FILE_INVALID',
    { 'metadata.csv': 'file_name,said\na.wav,one\n', 'a.wav': '' },
    ['Row 1 of metadata.csv', '"file_name", "said"', 'transcription, text, sentence'],
  ],
  ['FILE_INVALID', { 'metadata.csv': 'file,text\na.wav,one\n' }, ['"file_name"', '"file", "text"']],
  [
    'FILE_INVALID',
    { 'metadata.csv': 'file_name,text\na.wav, \n', 'a.wav': '' },
    ['Row 1', 'text " "', 'Leave the sound out'],
  ],
  ['FILE_INVALID', { 'metadata.csv': 'file_name,text\na.wav,one\n' }, ['"a.wav"', 'not in']],
] as const)('%s: %j', async (code, files, message) => {
  await expectRejection(audioFolder(await folderOf({ ...files })), code, ...message);
});

async function lossOf(
  source: ReturnType<typeof fixtureSource>,
  batch: ModelInputs,
): Promise<number> {
  let found = 0;
  await onGpu(async (gpu) => {
    using model = await loadModel(source, { gpu });
    const { loss } = await model.forward(batch);
    found = loss!.data[0]!;
  });
  return found;
}

// PyTorch 2.13 and transformers 5.24 in float64: the loss of WhisperForConditionalGeneration, of labels that
// WhisperTokenizerFast makes with language='en' and task='transcribe', without their start token.
test('Whisper learns tokens behind language and task', async () => {
  const processor = await loadSpeechProcessor(whisper);
  const said = { language: 'en' };
  const labels = await processor.labels('Hallo Welt', said);
  expect(labels).toEqual([265, 269, 273, 72, 97, 108, 108, 111, 32, 87, 101, 108, 116, 263]);
  const others = await processor.labels('Hallo', { language: 'german', task: 'translate' });
  expect(others.slice(0, 3)).toEqual([266, 268, 273]);
  const spoken = [
    { sound: await readFixture('whisper_task/one.wav'), text: 'Hallo Welt' },
    { sound: await readFixture('whisper_task/two.wav'), text: 'Guten Tag!' },
  ];
  await onGpu(async (gpu) => {
    const batch = await speechBatch(gpu, processor, spoken, said);
    expect(batch.labels).toEqual([
      labels,
      [...labels.slice(0, 3), 71, 117, 116, 101, 110, 32, 84, 97, 103, 33, 263],
    ]);
    expect(await lossOf(whisper, batch)).toBeCloseTo(6.092686313, 4);
    using model = await loadModel(whisper, { gpu, training: true });
    using trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3, dropout: false });
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 8 })) losses.push(loss);
    expect(losses[0]!).toBeCloseTo(6.092686313, 4);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  });
});

/** A model of CTC with the letters of a fixture. */
async function letterSource(changes: object = {}): Promise<ReturnType<typeof memorySource>> {
  const { vocabulary, tokenizer_config: tokenizer } = (await readFixtureJson(
    'sound/pipelines.json',
  )) as Record<string, Record<string, unknown>>;
  const extractor = { feature_extractor_type: 'Wav2Vec2FeatureExtractor' };
  return memorySource({
    ...(await fixtureFiles('variants/wav2vec2_ctc', ['config.json', 'model.safetensors'])),
    'preprocessor_config.json': withFields(undefined, extractor),
    'vocab.json': withFields(undefined, vocabulary ?? {}),
    'tokenizer_config.json': withFields(undefined, { ...tokenizer, ...changes }),
  });
}

// The same: Wav2Vec2ForCTC, its loss in float32, of labels by Wav2Vec2CTCTokenizer and values by Wav2Vec2FeatureExtractor.
test('models of CTC learn letters', async () => {
  const source = await letterSource();
  const processor = await loadSpeechProcessor(source);
  expect(await processor.labels('A B')).toEqual([5, 2, 6]);
  const lower = await loadSpeechProcessor(await letterSource({ do_lower_case: true }));
  expect(await lower.labels('aé')).toEqual([5, 9]);
  await expectRejection(processor.labels('A, B'), 'INPUT_INVALID', '"A, B" has ","', "A B ' D");
  await expectRejection(processor.labels('a'), 'INPUT_INVALID', '"a"');
  const asked = processor.labels('A', { language: 'en' });
  await expectRejection(asked, 'OPTION_INVALID', 'language', 'letters');
  const values = readValues(await readFixture('sound/sound.safetensors'));
  const sound = (name: string): Float32Array => Float32Array.from(values.get(name)!.data);
  const spoken = [
    { sound: sound('features.7.sound.0'), text: 'A B' },
    { sound: sound('features.9.sound.0'), text: "D'É" },
  ];
  await onGpu(async (gpu) => {
    const batch = await speechBatch(gpu, processor, spoken);
    expect(batch.labels).toEqual([
      [5, 2, 6],
      [8, 7, 9],
    ]);
    expect((await lossOf(source, batch)) / 211.5326996).toBeCloseTo(1, 5);
  });
});

test('sounds, texts and models that do not fit', async () => {
  const processor = await loadSpeechProcessor(whisper);
  await expectRejection(processor.labels('one'), 'OPTION_INVALID', 'is missing', 'en, de, ja');
  const nowhere = processor.labels('one', { language: 'klingon' });
  await expectRejection(nowhere, 'OPTION_INVALID', 'klingon');
  await expectRejection(processor.labels(' '), 'INPUT_INVALID', 'empty');
  const long = processor.labels('one '.repeat(20), { language: 'en' });
  await expectRejection(long, 'INPUT_INVALID', '48 positions');
  const other = loadSpeechProcessor(fixtureSource('vit'));
  await expectRejection(other, 'MODEL_UNSUPPORTED', 'ViTForImageClassification', 'Whisper');
  const extractor = await FeatureExtractor.load(whisper);
  await onGpu(async (gpu) => {
    const said = { language: 'en' };
    const heard = new Float32Array(extractor.windowLength! + 1);
    const tooLong = speechBatch(gpu, processor, [{ sound: heard, text: 'one' }], said);
    await expectRejection(tooLong, 'INPUT_INVALID', '"one"', '1.0 seconds', 'Cut sound');
    await expectRejection(speechBatch(gpu, processor, [], said), 'INPUT_INVALID', 'at least one');
    const mute = speechBatch(gpu, processor, [{ sound: heard }] as never, said);
    await expectRejection(mute, 'INPUT_INVALID', 'Sound 0', '{ sound, text }');
    const none = speechBatch(gpu, {} as never, [{ sound: heard, text: 'one' }]);
    await expectRejection(none, 'INPUT_INVALID', 'loadSpeechProcessor');
  });
});
