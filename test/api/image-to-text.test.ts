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

test('BLIP writes what its model generates, begun by a text or not', () =>
  withGpu(device!.options, async (gpu) => {
    const own = await fixtureFiles('variants/blip', ['config.json', 'model.safetensors']);
    const { text_config: texts } = (await readFixtureJson('variants/blip/config.json')) as {
      text_config: object;
    };
    // The special tokens of this tokenizer.
    const text_config = { ...texts, bos_token_id: 2, sep_token_id: 3 };
    const blip = memorySource({
      ...own,
      'config.json': withFields(own['config.json'], { text_config }),
      ...(await fixtureFiles('tasks/bert', ['tokenizer.json', 'tokenizer_config.json'])),
      'preprocessor_config.json': withFields(undefined, {
        image_processor_type: 'BlipImageProcessor',
        size: { height: 12, width: 12 },
      }),
    });
    using write = await pipeline('image-to-text', blip, { gpu });
    const { model, tokenizer, imageProcessor } = write;
    const { pixelValues } = await imageProcessor.process(gpu, files);
    const options = { maxNewTokens: 5 };
    for (const prompt of [undefined, 'a b']) {
      const ids = prompt === undefined ? undefined : tokenizer.encode(prompt);
      const inputs = { pixelValues, ...(ids && { inputIds: files.map(() => ids) }) };
      const { sequences } = await model.generate(inputs, options);
      const wanted = sequences.map((row) => [{ generatedText: tokenizer.decode(row) }]);
      const asked = prompt === undefined ? options : { ...options, prompt };
      expect(await write(files, asked)).toEqual(wanted);
      const pieces: string[] = [];
      for await (const piece of write.stream(files[0]!, asked)) pieces.push(piece);
      const begun = tokenizer.decode((ids ?? []).slice(0, -1));
      expect(begun + pieces.join('')).toBe(wanted[0]![0]!.generatedText);
    }
    using other = await pipeline('image-to-text', source, { gpu });
    const refused = other(files[0]!, { prompt: 'a b' });
    await expectRejection(refused, 'INPUT_INVALID', 'takes no input "inputIds"');
    const wrong = write(files[0]!, { prompt: 7 as never });
    await expectRejection(wrong, 'INPUT_INVALID', 'prompt');
  }));
