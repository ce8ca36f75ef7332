// Settings of generation in a checkpoint's files: what Hugging Face overlooks there is overlooked, with a
// sentence; what would change a result is refused; lengths and stop strings count.
import { expect, test } from 'vitest';
import { type GenerateOptions, loadModel, type Model, pipeline } from 'webgpu-transformer';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, fixtureFiles, memorySource, withFields } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const inputs = { inputIds: [[82, 38, 28, 81, 20]] };

/** A checkpoint whose file of this name has other fields. */
function changed(
  files: Files,
  fields: Readonly<Record<string, unknown>>,
  name = 'generation_config.json',
): ReturnType<typeof memorySource> {
  return memorySource({ ...files, [name]: withFields(files[name], fields) });
}

const sequencesOf = async (model: Model, options?: GenerateOptions): Promise<number[][]> =>
  (await model.generate(inputs, options)).sequences;

test('what makes no sense in a file is overlooked, with a sentence', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('gpt2');
    using plain = await loadModel(memorySource(files), { gpu });
    const wanted = await sequencesOf(plain);
    expect(plain.warnings).toEqual([]);

    const fields = {
      pad_token_id: -1,
      eos_token_id: [119, 500],
      suppress_tokens: [-1, 500],
      forced_decoder_ids: [],
      no_repeat_ngram_size: -1,
      min_length: -3,
      top_p: 1.5,
      temperature: 0,
      diversity_penalty: 0.5,
      prompt_lookup_num_tokens: 3,
      presence_penalty: 1.5,
      seed: 3,
      colour: 'blue',
      // Known, and without meaning for what comes out.
      output_scores: false,
      num_assistant_tokens: 20,
      cache_implementation: 'static',
      max_time: null,
    };
    using odd = await loadModel(changed(files, fields), { gpu });
    expect(odd.generationConfig).toMatchObject(fields);
    expect(await sequencesOf(odd)).toEqual(wanted);
    const told = odd.warnings.map((text) => /^generation_config\.json: "?(\w+)/.exec(text)?.[1]);
    const sampling = 'temperature';
    const overlooked = Object.keys(fields).slice(0, -4);
    expect(told).toHaveLength(overlooked.length);
    expect(new Set(told)).toEqual(new Set(overlooked));
    expect(odd.warnings.find((text) => text.includes('pad'))).toBe(
      'generation_config.json: "pad_token_id" is -1, which is no token from 0 to 119; it is overlooked.',
    );
    expect(odd.warnings.find((text) => text.includes(sampling))).toContain('doSample: true');
    // What a call asks for is never overlooked.
    await expectRejection(odd.generate(inputs, { padTokenId: -1 }), 'OPTION_INVALID', '-1');
    await expectRejection(odd.generate(inputs, { topP: 1.5, doSample: true }), 'OPTION_INVALID');
    const forced = { forcedDecoderIds: [] } as object;
    await expectRejection(odd.generate(inputs, forced), 'OPTION_INVALID', 'forcedDecoderIds');

    // config.json stands in for a missing file.
    const { 'generation_config.json': _, ...rest } = files;
    using old = await loadModel(changed(rest, { pad_token_id: -1 }, 'config.json'), { gpu });
    expect(await sequencesOf(old)).toEqual(wanted);
    expect(old.warnings.join()).toMatch(/^config\.json: "pad_token_id" is -1[^,]*,[^,]*$/);
    // The end of a sequence that is no token ends none.
    using endless = await loadModel(changed(files, { eos_token_id: 500 }), { gpu });
    expect((await sequencesOf(endless))[0]).toHaveLength(25);
  }));

test('what would change results is refused', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('gpt2');
    for (const [fields, ...parts] of [
      [{ guidance_scale: 1.5 }, 'guidanceScale is 1.5'],
      [{ forced_eos_token_id: 500 }, 'forcedEosTokenId is 500'],
      [{ bad_words_ids: [[500]] }, 'badWordsIds'],
      [{ top_h: 0.4, do_sample: true }, 'topH is 0.4'],
      [{ temperature: 0, do_sample: true }, 'temperature is 0'],
      [{ repetition_penalty: 0 }, 'repetitionPenalty is 0'],
      [{ max_length: '20' }, 'maxLength is "20"'],
    ] as const) {
      using model = await loadModel(changed(files, fields), { gpu });
      await expectRejection(model.generate(inputs), 'OPTION_INVALID', ...parts);
    }
    // It only counts for draws.
    using model = await loadModel(changed(files, { top_h: 0.4 }), { gpu });
    expect((await sequencesOf(model, { maxNewTokens: 2 }))[0]).toHaveLength(7);
  }));

test('the default length ends where the positions do that config.json states', () =>
  withGpu(usual, async (gpu) => {
    for (const [name, positions] of [
      ['gpt2', 48],
      ['llama_gqa', 64],
    ] as const) {
      using model = await loadModel(memorySource(await fixtureFiles(name)), { gpu });
      const lengthOf = async (prompt: number, options: GenerateOptions = {}): Promise<number> => {
        const inputIds = [Array.from({ length: prompt }, (_, i) => 5 + i)];
        const { sequences } = await model.generate({ inputIds }, { eosTokenId: null, ...options });
        return sequences[0]!.length;
      };
      expect(await lengthOf(positions - 30)).toBe(positions - 10);
      expect(await lengthOf(positions - 3)).toBe(positions);
      const full = lengthOf(positions);
      await expectRejection(full, 'OPTION_INVALID', `${positions} tokens`, 'maxNewTokens');
      expect(await lengthOf(positions, { maxNewTokens: 1 })).toBe(positions + 1);
    }
  }));

test('stop strings of the file end texts of a pipeline; a model alone refuses them', () =>
  withGpu(usual, async (gpu) => {
    const files = await taskFiles('gpt2');
    const options = { maxNewTokens: 12, returnFullText: false as const };
    using plain = await pipeline('text-generation', memorySource(files), { gpu });
    const [{ generatedText: whole } = { generatedText: '' }] = await plain('The film', options);
    // A letter that comes first behind the fourth place.
    const stop = whole
      .slice(4)
      .match(/\w/g)!
      .find((letter) => whole.indexOf(letter) > 3)!;
    const cut = whole.slice(0, whole.indexOf(stop) + 1);
    expect(cut.length).toBeLessThan(whole.length);

    const source = changed(files, { stop_strings: [stop] });
    using stopping = await pipeline('text-generation', source, { gpu });
    const textOf = async (more: object = {}): Promise<string> =>
      (await stopping('The film', { ...options, ...more }))[0]!.generatedText;
    expect(await textOf()).toMatch(new RegExp(`^[^${stop}]*${stop}[^${stop}]*$`));
    expect((await textOf()).startsWith(cut)).toBe(true);
    let streamed = '';
    for await (const piece of stopping.stream('The film', { maxNewTokens: 12 })) streamed += piece;
    expect(streamed).toBe(await textOf());
    expect(await textOf({ stopStrings: null })).toBe(whole);
    expect(await textOf({ stopStrings: 'never there' })).toBe(whole);

    expect(stopping.model.warnings).toEqual([]);
    const prompt = { inputIds: [[5, 6, 7]] };
    const refused = stopping.model.generate(prompt);
    await expectRejection(refused, 'OPTION_INVALID', 'stopStrings', 'pipeline', 'stoppingCriteria');
    const { sequences } = await stopping.model.generate(prompt, { stopStrings: null });
    expect(sequences[0]!.length).toBeGreaterThan(3);
  }));
