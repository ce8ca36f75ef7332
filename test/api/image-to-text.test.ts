// Texts about images: what Python writes about the same files, whole and piece by piece.
import { expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

interface Expected {
  readonly processor: Readonly<Record<string, unknown>>;
  readonly images: readonly string[];
  /** Of greedy search over 8 tokens, and two of 3 beams over 6. */
  readonly texts: readonly (readonly string[])[];
  readonly beams: readonly (readonly string[])[];
}

const [device] = await testGpus();
const expected = (await readFixtureJson('processors/captions.json')) as Expected;
const files = await Promise.all(expected.images.map((name) => readFixture(`processors/${name}`)));
const source = memorySource({
  ...(await fixtureFiles('variants/trocr', ['config.json', 'model.safetensors'])),
  ...(await fixtureFiles('tasks/gpt2', ['tokenizer.json', 'tokenizer_config.json'])),
  'preprocessor_config.json': withFields(undefined, { ...expected.processor }),
});
const results = (texts: readonly (readonly string[])[]) =>
  texts.map((list) => list.map((generatedText) => ({ generatedText })));

test('texts about one image and about several', () =>
  withGpu(device!.options, async (gpu) => {
    using write = await pipeline('image-to-text', source, { gpu });
    const { texts, beams } = expected;
    expect(await write(files, { maxNewTokens: 8 })).toEqual(results(texts));
    expect(await write(files[1]!, { maxNewTokens: 8 })).toEqual(results(texts)[1]);
    const options = { maxNewTokens: 6, numBeams: 3, numReturnSequences: 2 };
    expect(await write(files, options)).toEqual(results(beams));
    const pieces: string[] = [];
    for await (const piece of write.stream(files[0]!, { maxNewTokens: 8 })) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(texts[0]![0]);
    expect(await write([])).toEqual([]);
    await expectRejection(write(files[0]!, { numBeams: 0 }), 'OPTION_INVALID', 'numBeams');
  }));

test('BLIP writes what its model generates', () =>
  withGpu(device!.options, async (gpu) => {
    const blip = memorySource({
      ...(await fixtureFiles('variants/blip', ['config.json', 'model.safetensors'])),
      ...(await fixtureFiles('tasks/gpt2', ['tokenizer.json', 'tokenizer_config.json'])),
      'preprocessor_config.json': withFields(undefined, {
        image_processor_type: 'BlipImageProcessor',
        size: { height: 12, width: 12 },
      }),
    });
    using write = await pipeline('image-to-text', blip, { gpu });
    const [found] = await write(files[0]!, { maxNewTokens: 6 });
    const inputs = await write.imageProcessor.process(gpu, files[0]!);
    const { sequences } = await write.model.generate(inputs, { maxNewTokens: 6 });
    expect(found?.generatedText).toBe(write.tokenizer.decode(sequences[0]!));
    expect(found?.generatedText).not.toBe('');
  }));
