// Files of runs and adapters that lie: they are taken as they are, or refused by a typed error that
// changes nothing.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model } from 'webgpu-transformer';
import { TransformerError } from '../../src/runtime/errors.ts';
import { loadLora, Lora, Trainer } from 'webgpu-transformer/training';
import { cases, nasty } from '../support/fuzz.ts';
import { testGpus } from '../support/gpu.ts';
import type { Random } from '../support/random.ts';
import { memorySource } from '../support/source.ts';
import { MemoryTarget, snapshot, tinySource, trainTo } from '../support/training.ts';

type Files = Record<string, Uint8Array<ArrayBuffer>>;

const [{ options } = { options: {} }] = await testGpus();
const gpu = await Gpu.request(options);
const model = await loadModel(tinySource(), { gpu, training: true });
const trainer = new Trainer(model, { learningRate: 0.01, seed: 5 });
const base = await loadModel(tinySource(), { gpu });
const run = new MemoryTarget();
await trainTo(trainer, 2);
await trainer.save(run);
const adapter = new MemoryTarget();
{
  using lora = new Lora(base, { rank: 2, targets: ['*.q_proj', '*.fc1'] });
  await lora.save(adapter);
}
/** A safetensors file whose header is changed, or whose bytes are. */
function mutated(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (random.next() < 0.2) return bytes.slice(0, random.integer(0, bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const header = JSON.parse(text) as Record<string, unknown>;
  const name = random.pick(Object.keys(header));
  const entry = header[name] as Record<string, unknown>;
  random.pick<() => unknown>([
    () => (header[name] = nasty(random)),
    () => delete header[name],
    () => (header[`${name}.more`] = entry),
    () => (entry[random.pick(Object.keys(entry))] = nasty(random)),
    () => (header['__metadata__'] = { training: JSON.stringify(nasty(random)) }),
    () =>
      (header['__metadata__'] = {
        training: JSON.stringify({ step: nasty(random), batch: nasty(random), seed: 5 }),
      }),
  ])();
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + bytes.length - 8 - length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(bytes.subarray(8 + length), 8 + json.length);
  return file;
}

/** Runs work that may fail, but only with an error of the library's own, whose message is short. */
async function typed(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    const { code, message } = error as TransformerError;
    expect(code).not.toBe('VALIDATION_FAILED');
    expect(message.length).toBeLessThan(2000);
    return false;
  }
}

cases('states of runs', 60, async (random) => {
  const file = 'training_state.safetensors';
  const files: Files = { ...run.files, [file]: mutated(random, run.files[file]!) };
  const before = await snapshot(trainer);
  const taken = await typed(() => trainer.restore(memorySource(files)));
  if (!taken) expect(await snapshot(trainer)).toEqual(before);
  expect(Number.isSafeInteger(trainer.step) && trainer.step >= 0).toBe(true);
});

async function loaded(on: Model, files: Files): Promise<void> {
  using lora = await loadLora(on, memorySource(files));
  await lora.merge();
  await lora.unmerge();
}

cases('adapters', 60, async (random) => {
  const files: Files = { ...adapter.files };
  const config = 'adapter_config.json';
  if (random.next() < 0.5) {
    const weights = 'adapter_model.safetensors';
    files[weights] = mutated(random, files[weights]!);
  } else {
    const fields = JSON.parse(new TextDecoder().decode(files[config])) as Record<string, unknown>;
    fields[random.pick(Object.keys(fields))] = nasty(random);
    files[config] = new TextEncoder().encode(JSON.stringify(fields));
  }
  const { buffers } = gpu.memory;
  await typed(() => loaded(base, files));
  expect(gpu.memory.buffers).toBe(buffers);
});

test('nothing stays behind', () => {
  trainer.dispose();
  for (const one of [model, base]) one.dispose();
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
  gpu.dispose();
});
