// The declarations as users' compilers read them: without skipLibCheck, by every way to find modules,
// and with the libraries that a program for Node or for browsers has.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { install } from './consumer.ts';

const { write, node } = await install(
  '@types/node',
  '@webgpu/types',
  'typescript',
  'typescript-5.4',
  'typescript-5.9',
  'typescript-6',
  'undici-types',
);

await write({
  'node.ts': `
import { directorySource, Gpu, loadModel, type Model, type ModelSource, pipeline } from 'webgpu-transformer';
import { bleu } from 'webgpu-transformer/metrics';
import { embedShard, generateShard, type ShardResult } from 'webgpu-transformer/jobs';
import { createHandler } from 'webgpu-transformer/serve';
import { adamW, loadLora, type Target, Trainer } from 'webgpu-transformer/training';

export async function main(): Promise<string> {
  const gpu: Gpu = await Gpu.request({ powerPreference: 'low-power' });
  const source: ModelSource = directorySource('models');
  using translate = await pipeline('translation', source, { gpu });
  const [first] = await translate('in 3 days', { to: 'de' });
  for await (const piece of translate.stream('x', { to: 'de' })) console.log(piece.length);
  using model: Model = await loadModel(new URL('file:///x/'), { gpu, training: true, check: true, verifyCache: 'always' });
  // @ts-expect-error: once, always or never
  await loadModel(source, { verifyCache: true });
  const trainer = new Trainer(model, { learningRate: 1, optimizer: adamW() });
  await loadLora(model, source);
  const target: Target = { write: async (file, bytes) => void (file + bytes.length) };
  await trainer.save(target);
  using chat = await pipeline('text-generation', source, { gpu });
  await createHandler({ models: { chat }, limits: { tokens: 9 } }).close();
  using embed = await pipeline('feature-extraction', source, { gpu });
  const done: ShardResult = await embedShard(embed, 'a.jsonl', 'out', { modelId: 'a', pipelineOptions: { pooling: 'cls' } });
  console.log(done.path);
  // @ts-expect-error: the tokens of a prompt are bounded
  await generateShard(chat, 'a.jsonl', 'out', { modelId: 'a' });
  // @ts-expect-error: served are other tasks
  createHandler({ models: { translate } });
  // @ts-expect-error: for the library alone
  console.log(gpu.meter);
  // @ts-expect-error: the same
  console.log(model.trainable, trainer.model);
  // @ts-expect-error: no device
  Gpu.from(5);
  return (first?.translationText ?? '') + bleu(['a'], ['a']).score;
}
`,
  'browser.ts': `
import { Gpu, loadModel, pipeline } from 'webgpu-transformer';
import { rouge } from 'webgpu-transformer/metrics';
import { createHandler } from 'webgpu-transformer/serve';
import { Trainer } from 'webgpu-transformer/training';

export async function main(files: FileList, folder: FileSystemDirectoryHandle, list: File[]): Promise<string> {
  const gpu = await Gpu.request();
  gpu.device.destroy();
  const translate = await pipeline('translation', files, { gpu });
  await loadModel(folder, { cacheDtype: 'f16' });
  await loadModel(list);
  const [first] = await translate('in 3 days', { to: 'de' });
  const embed = await pipeline('embeddings', list);
  await createHandler({ models: { embed } })(new Request('/v1/models'), { client: 'page' });
  new Trainer(translate.model, { learningRate: 1 }).dispose();
  // @ts-expect-error: for Node alone
  await import('webgpu-transformer').then(({ directorySource }) => directorySource);
  return (first?.translationText ?? '') + rouge(['a'], ['a']).rougeL.fmeasure;
}
`,
  'device.ts': `
import { Gpu } from 'webgpu-transformer';

export function main(device: GPUDevice): GPUQueue {
  // @ts-expect-error: no device
  Gpu.from({ destroy() {} });
  return Gpu.from(device, { tier: 'gpu' }).device.queue;
}
`,
});

const inNode = { lib: ['es2022'], types: ['node'] };
const inBrowser = { lib: ['es2022', 'dom'] };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };

async function expectCompiles(
  compiler: string,
  options: object,
  ...files: string[]
): Promise<void> {
  const always = { strict: true, noEmit: true, target: 'es2022', skipLibCheck: false };
  const compilerOptions = { ...always, ...options };
  await write({ 'tsconfig.json': JSON.stringify({ compilerOptions, files }) });
  const tsc = `node_modules/${compiler}/bin/tsc`;
  expect(await node(tsc, '--pretty', 'false')).toEqual({ code: 0, output: '' });
}

test.each(['typescript-5.4', 'typescript-5.9', 'typescript-6', 'typescript'])(
  '%s',
  { timeout: 300_000 },
  async (compiler) => {
    await expectCompiles(compiler, { module: 'nodenext', ...inNode }, 'node.ts');
    // TypeScript has types for WebGPU itself since 6.
    const types = compiler.startsWith('typescript-5') ? ['@webgpu/types'] : [];
    await expectCompiles(compiler, { ...bundler, ...inBrowser, types }, 'browser.ts', 'device.ts');
  },
);

test('a bundler for Node, and old configurations', { timeout: 300_000 }, async () => {
  const forNode = { ...bundler, ...inNode, customConditions: ['node'] };
  await expectCompiles('typescript', forNode, 'node.ts');
  const old = { module: 'esnext', moduleResolution: 'node10', types: [], ...inBrowser };
  await expectCompiles('typescript-5.4', old, 'browser.ts');
});

test('npm start, train and evaluate leave alone what is built', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const built = (): number => statSync(path.join(root, 'dist/types/index.d.ts')).mtimeMs;
  const before = built();
  const told = execFileSync(process.execPath, ['scripts/built.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([told, built()]).toEqual(['', before]);
});
