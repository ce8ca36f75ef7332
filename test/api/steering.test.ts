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

/** The places of `captured` that hold the states of the last layer, and the logits. */
const read = {
  gpt2: { states: 'layers.1.output', logits: 'logits' },
  t5_relu: { states: 'decoder.layers.1.output', logits: 'logits' },
};

for (const [folder, { states, logits }] of Object.entries(read)) {
  test.each([
    ['greedily', {}],
    ['by beams', { numBeams: 3, numReturnSequences: 2 }],
    ['several of each', { doSample: true, topK: 0, seed: 4, numReturnSequences: 3 }],
  ])(
    `${folder}: what is read of texts with edits, %s, is what told their tokens`,
    (_how, options) =>
      onGpu(async (gpu) => {
        using model = await loadModel(fixtureSource(folder), { gpu });
        const { inputs, width, at } = steered[folder]!;
        const size = width * 2;
        // Of each text its own, over two positions of many, and a tensor that is longer than the text.
        const data = Float32Array.from({ length: 2 * size }, (_, i) => Math.cos(3 * i));
        const long = { data: new Float32Array(40 * width).fill(0.5), shape: [1, 40, width] };
        const edit: PointEdit[] = [
          ...editsOf(steered[folder]!),
          { at, add: { data, shape: [2, 2, width] }, scale: 3 },
          { at, add: long, sequences: [1] },
          { at, scale: 0.5, sequences: [0] },
        ];
        const asked = { maxNewTokens: 6, eosTokenId: [], padTokenId: 0, ...options, edit };
        const result = await model.generate(inputs, {
          ...asked,
          capture: [logits, states, at],
          hiddenStates: true,
          attentions: true,
        });
        const { sequences, captured = {}, hiddenStates, decoderHiddenStates } = result;
        const isPair = folder === 't5_relu';
        const start = isPair ? 1 : 3;
        const length = start + 5;
        expect(Object.keys(captured)).toEqual([logits, states, at]);
        const told = captured[logits]!;
        expect(told.shape.slice(0, 2)).toEqual([sequences.length, length]);
        expect(captured[states]!.shape).toEqual([sequences.length, length, width]);
        // The states of each step are the rows of what was read.
        const steps = (isPair ? decoderHiddenStates : hiddenStates)!;
        expect(steps.map(([, first]) => first!.shape[1])).toEqual([start, 1, 1, 1, 1, 1]);
        const last = steps[5]![1]!.data;
        const rows = sequences.map((_, row) => {
          const first = (row * length + length - 1) * width;
          return captured[at]!.data.subarray(first, first + width);
        });
        expect([...last]).toEqual(rows.flatMap((row) => [...row]));
        if ('numBeams' in options) {
          const wanted = logProbsOf(told, sequences, start);
          result.scores!.forEach((score, row) => {
            const sum = wanted.slice(row * 6, row * 6 + 6).reduce((total, one) => total + one, 0);
            expect(score * 6).toBeCloseTo(sum, 3);
          });
          return;
        }
        const { sequences: again, logProbs } = await model.generate(inputs, {
          ...asked,
          logProbs: true,
        });
        expect(again).toEqual(sequences);
        const wanted = logProbsOf(told, sequences, start);
        logProbs!.flat().forEach((one, i) => expect(one).toBeCloseTo(wanted[i]!, 3));
      }),
  );
}

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
      model.generate(prompt, { edit, capture: ['layers.0.out'] }),
      'OPTION_INVALID',
      'layers.0.output',
    );
    await expectRejection(
      model.generate(prompt, { capture: null } as object),
      'OPTION_INVALID',
      'capture is null',
    );
    using hearing = await loadModel(fixtureSource('whisper_task'), { gpu });
    const inputFeatures = { data: new Float32Array(8 * 100), shape: [1, 8, 100] };
    for (const asked of [{ edit }, { capture: ['encoder.embeddings'] }]) {
      await expectRejection(
        hearing.generate({ inputFeatures }, asked),
        'OPTION_INVALID',
        'decoderInputIds',
      );
    }
  }));
