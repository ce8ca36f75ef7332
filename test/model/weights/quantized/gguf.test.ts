// Models in GGUF: what Python makes of their weights dequantised. Every type of blocks, and each architecture.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, modelSize, pipeline } from 'webgpu-transformer';
import { expectClose } from '../../../support/expected.ts';
import { readFixture, readFixtureJson } from '../../../support/fixture.ts';
import { testGpus, withGpu } from '../../../support/gpu.ts';
import { expectRejection } from '../../../support/rejection.ts';

const names = ['llama_k', 'llama_bpe', 'qwen2', 'qwen3', 'gemma2', 'gemma3'] as const;
type Name = (typeof names)[number];

interface Expected {
  readonly input_ids: number[][];
  readonly shape: number[];
  readonly logits: number[];
  /** Of the first five tokens, greedily. */
  readonly generated: number[][];
}

const [{ options: usual } = { options: {} }] = await testGpus();

const expectedOf = (name: Name): Promise<Expected> =>
  readFixtureJson(`gguf/${name}.json`) as Promise<Expected>;

/** The file as one that a user chose; `change` may alter its bytes. */
async function fileOf(
  name: Name,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => bytes,
): Promise<File[]> {
  return [new File([change(await readFixture(`gguf/${name}.gguf`))], `${name}.gguf`)];
}

test.each(names)('%s', (name) =>
  withGpu(usual, async (gpu) => {
    const { input_ids: ids, shape, logits, generated } = await expectedOf(name);
    using model = await loadModel(await fileOf(name), { gpu });
    expect(model.warnings).toEqual([]);
    const got = await model.forward({ inputIds: ids });
    expectClose(got.logits, { data: Float32Array.from(logits), shape }, name);
    const inputIds = ids.map((row) => row.slice(0, 5));
    const options = { maxNewTokens: 8, minNewTokens: 8, doSample: false };
    const { sequences } = await model.generate({ inputIds }, options);
    expect(sequences).toEqual(generated);
  }),
);

/** Bytes on the GPU after a load. */
async function loaded(gpu: Gpu, name: Name, dtype?: 'f32' | 'f16' | 'int8'): Promise<number> {
  const before = gpu.memory.bytes;
  using model = await loadModel(await fileOf(name), { gpu, ...(dtype && { dtype }) });
  const { input_ids: inputIds, logits, shape } = await expectedOf(name);
  const got = await model.forward({ inputIds });
  const bound = { f16: 2e-3, int8: 0.05 }[dtype as string];
  expectClose(got.logits, { data: Float32Array.from(logits), shape }, name, undefined, bound);
  return gpu.memory.bytes - before;
}

test('other formats on request, and what modelSize says', () =>
  withGpu(usual, async (gpu) => {
    for (const name of ['qwen3', 'llama_k'] as const) {
      const { gpuBytes, downloadBytes } = await modelSize(await fileOf(name));
      const [{ size } = { size: 0 }] = await fileOf(name);
      // All but the metadata.
      expect(downloadBytes).toBeLessThan(size);
      expect(downloadBytes).toBeGreaterThan(0.8 * size);
      expect(gpuBytes.stored).toBeLessThan(0.75 * gpuBytes.f16);
      expect(await loaded(gpu, name, 'f32')).toBeGreaterThan(gpuBytes.f32);
      await loaded(gpu, name, 'f16');
      await loaded(gpu, name, 'int8');
    }
  }));

test('a task by its file alone, chat template and ends included', () =>
  withGpu(usual, async (gpu) => {
    using chat = await pipeline('text-generation', await fileOf('qwen3'), { gpu });
    expect(chat.model.config['eos_token_id']).toBe(0);
    const messages = [{ role: 'user', content: 'Hello' }];
    expect(await chat.tokenizer.applyChatTemplate(messages)).toBe(
      '<|im_start|>user\nHello<|im_end|>\n',
    );
    const { generated } = await expectedOf('qwen3');
    const prompt = chat.tokenizer.decode(generated[0]!.slice(0, 5));
    const [result] = await chat(prompt, { maxNewTokens: 4, doSample: false });
    expect(result?.generatedText.startsWith(prompt)).toBe(true);
  }));

test('scales that are no numbers, and a file that is cut off', () =>
  withGpu(usual, async (gpu) => {
    const before = gpu.memory.bytes;
    const { input_ids: inputIds } = await expectedOf('qwen3');
    // The last tensor of the file is a norm; of the blocks before it, any may be hit.
    const damaged = await fileOf('qwen3', (bytes) => {
      const result = bytes.slice();
      result.fill(0xff, result.length - 9000, result.length - 6000);
      return result;
    });
    const parts = ['Tensor "model.layers.1.', 'scale'];
    await expectRejection(loadModel(damaged, { gpu }), 'FILE_INVALID', ...parts);
    const cut = await fileOf('qwen3', (bytes) => bytes.slice(0, -40));
    await expectRejection(loadModel(cut, { gpu }), 'FILE_TRUNCATED', 'qwen3.gguf', 'cut off');
    expect(gpu.memory.bytes).toBe(before);
    using model = await loadModel(await fileOf('qwen3'), { gpu });
    await expect(model.forward({ inputIds })).resolves.toBeDefined();
  }));
