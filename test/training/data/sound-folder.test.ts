// Sounds in folders by label, and batches of them.
import { expect, test } from 'vitest';
import { FeatureExtractor } from 'webgpu-transformer';
import { soundBatch, soundFolder } from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { jsonFiles, memorySource } from '../../support/source.ts';
import { wavFile } from '../../support/wav.ts';

const onGpu = sharedGpu();

/** A file as a page has it of a folder that was chosen. */
function chosen(path: string, bytes: Uint8Array<ArrayBuffer> | string): File {
  const file = new File([bytes], path.split('/').at(-1) ?? path);
  Object.defineProperty(file, 'webkitRelativePath', { value: `words/${path}` });
  return file;
}

const tone = (level: number, length: number): Uint8Array<ArrayBuffer> =>
  wavFile(new Uint8Array(Int16Array.from({ length }, (_, i) => level * (i % 7)).buffer));
const files = [
  chosen('yes/1.wav', tone(100, 400)),
  chosen('no/2.wav', tone(300, 300)),
  chosen('no/deep/3.wav', tone(500, 400)),
];

test('the folder that a sound lies in is its class, or what a table says', async () => {
  const { sounds, labels } = await soundFolder(files);
  expect(labels).toEqual(['no', 'yes']);
  expect(sounds.map(({ label }) => label)).toEqual([0, 0, 1]);
  expect(
    (await soundFolder(files, { labels: ['yes', 'no'] })).sounds.map(({ label }) => label),
  ).toEqual([1, 1, 0]);
  const table = 'file_name,label\nyes/1.wav,bark\nno/2.wav,meow\nno/deep/3.wav,bark\n';
  const described = await soundFolder([...files, chosen('metadata.csv', table)]);
  expect(described.labels).toEqual(['bark', 'meow']);
  expect(described.sounds.map(({ label }) => label)).toEqual([0, 1, 0]);
  await expectRejection(
    soundFolder(files.slice(1)),
    'INPUT_INVALID',
    'All sounds are of the class',
  );
  await expectRejection(soundFolder([chosen('a/1.png', '')]), 'INPUT_INVALID', 'holds no sounds');
  await expectRejection(soundFolder(files, { labels: ['no'] }), 'INPUT_INVALID', '"yes"');
});

test('a batch is what the feature extractor makes, with labels', () =>
  onGpu(async (gpu) => {
    const config = { feature_extractor_type: 'Wav2Vec2FeatureExtractor', do_normalize: false };
    const source = memorySource(jsonFiles({ 'preprocessor_config.json': config }));
    const extractor = await FeatureExtractor.load(source);
    const { sounds } = await soundFolder(files);
    const { inputValues, labels } = await soundBatch(gpu, extractor, sounds);
    expect(labels).toEqual([0, 0, 1]);
    expect(inputValues?.shape).toEqual([3, 400]);
    expect(inputValues?.data[1]).toBeCloseTo(300 / 2 ** 15, 6);
    await expectRejection(soundBatch(gpu, extractor, []), 'INPUT_INVALID', 'at least one');
    const wrong = [{ sound: files[0], label: 'yes' }] as never;
    await expectRejection(soundBatch(gpu, extractor, wrong), 'INPUT_INVALID', 'Sound 0');
    const none = soundBatch(gpu, {} as never, sounds);
    await expectRejection(none, 'INPUT_INVALID', 'FeatureExtractor.load');
  }));
