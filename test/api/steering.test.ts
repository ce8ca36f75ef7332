// Texts that are generated with edits are those that forward gives with the same edits.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type ModelInputs, type PointEdit } from 'webgpu-transformer';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const onGpu = sharedGpu({});

interface Steered {
  readonly inputs: ModelInputs;
  readonly width: number;
  readonly at: string;
}

const prompt = {
  inputIds: [
    [70, 75, 21],
    [7, 5, 84],
  ],
};
const steered: Readonly<Record<string, Steered>> = {
  gpt2: { inputs: prompt, width: 32, at: 'layers.0.output' },
  llama_gqa: { inputs: prompt, width: 48, at: 'layers.0.output' },
  t5_relu: { inputs: prompt, width: 32, at: 'decoder.layers.0.output' },
};

/** A vector, one of the second text alone from the middle of the prompt on, and a head that is switched off. */
function editsOf({ width, at }: Steered): PointEdit[] {
  const vector = Float32Array.from({ length: width }, (_, i) => Math.sin(7 * i + 1));
  return [
    { at, add: vector, scale: 2 },
    { at, add: vector.map((value) => value * value), sequences: [1], positions: [1, 3, 5] },
    { at: at.replace('layers.0.output', 'layers.1.head.2'), replace: 0 },
  ];
}

/** The log-probability of each token behind `start`, by the logits of the one before. */
function logProbsOf({ data, shape }: DenseTensor, sequences: number[][], start: number): number[] {
  const [, length = 0, vocabulary = 0] = shape;
  return sequences.flatMap((sequence, row) =>
    sequence.slice(start).map((token, step) => {
      const first = (row * length + start + step - 1) * vocabulary;
      const logits = data.subarray(first, first + vocabulary);
      const largest = logits.reduce((most, value) => Math.max(most, value));
      const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
      return logits[token]! - largest - Math.log(sum);
    }),
  );
}

const settings = [
  ['f32', {}, 2e-4],
  ['f16 caches', { cacheDtype: 'f16' }, 5e-3],
  ['int8', { dtype: 'int8' }, 2e-4],
] as const;

for (const [folder, about] of Object.entries(steered)) {
  test.each(settings)(`${folder}, %s`, (_, options, tolerance) =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(folder), { gpu, ...options });
      const edit = editsOf(about);
      const asked = { maxNewTokens: 6, eosTokenId: [], padTokenId: 0 };
      const { sequences, logProbs } = await model.generate(about.inputs, {
        ...asked,
        edit,
        logProbs: true,
      });
      const isPair = folder === 't5_relu';
      const inputs = isPair
        ? { ...about.inputs, decoderInputIds: sequences }
        : { inputIds: sequences };
      const { logits } = await model.forward(inputs, { edit });
      const wanted = logProbsOf(logits!, sequences, isPair ? 1 : 3);
      logProbs!.flat().forEach((value, i) => {
        expect(Math.abs(value - wanted[i]!), `token ${i}`).toBeLessThan(tolerance);
      });
      expect(await model.generate(about.inputs, asked)).not.toEqual({ sequences });
    }),
  );
}

test('streams and calls together are steered as calls alone, each by its own edits', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const asked = { maxNewTokens: 6, eosTokenId: [], padTokenId: 0 };
    const edit = editsOf(steered['gpt2']!);
    const { sequences } = await model.generate(prompt, { ...asked, edit });
    const streamed: number[][] = prompt.inputIds.map((row) => [...row]);
    for await (const { tokenIds } of model.stream(prompt, { ...asked, edit })) {
      tokenIds.forEach((id, row) => streamed[row]!.push(id));
    }
    expect(streamed).toEqual(sequences);

    const plain = await model.generate(prompt, asked);
    const weaker = edit.map((one) => ({ ...one, scale: 0.5 }));
    const alone = await model.generate(prompt, { ...asked, edit: weaker });
    expect(
      await model.generateTogether([
        { inputs: prompt, options: { ...asked, edit } },
        { inputs: prompt, options: asked },
        { inputs: prompt, options: { ...asked, edit: weaker } },
      ]),
    ).toEqual([{ sequences }, plain, alone]);
    // Steps that other numbers went through are good for the next ones.
    expect(await model.generate(prompt, { ...asked, edit: [] })).toEqual(plain);
  }));

test('what cannot be steered is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const edit = [{ at: 'layers.0.output', scale: 2 }];
    const refused = async (options: object, message: string): Promise<void> => {
      await expectRejection(model.generate(prompt, options), 'OPTION_INVALID', message);
      await expectRejection(
        model.generateTogether([{ inputs: prompt, options }]),
        'OPTION_INVALID',
        message,
      );
    };
    await refused({ edit: null }, 'edit is null');
    await refused({ edit: 0 }, 'edit is 0');
    await refused({ edit: [{ at: 'layers.0.attention.weights', replace: 0 }] }, 'fused');
    await refused({ edit: [{ at: 'layers.0.out', replace: 0 }] }, 'layers.0.output');
    await expectRejection(
      model.generate(prompt, { edit, attentions: true }),
      'OPTION_INVALID',
      'Call forward',
    );
    using hearing = await loadModel(fixtureSource('whisper_task'), { gpu });
    const inputFeatures = { data: new Float32Array(8 * 100), shape: [1, 8, 100] };
    await expectRejection(
      hearing.generate({ inputFeatures }, { edit }),
      'OPTION_INVALID',
      'decoderInputIds',
    );
  }));
