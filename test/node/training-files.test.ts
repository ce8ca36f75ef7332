// Runs on disk: what is there after a crash or a full disk is a whole checkpoint, and training goes on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { directoryTarget, loadModel } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../support/random.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import {
  MemoryTarget,
  snapshot,
  tinyBatch,
  tinyModel,
  trainTo,
  withTrainer,
} from '../support/training.ts';

const onGpu = sharedGpu();

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'node_modules', '.cache', 'test-training');
const stateFile = 'training_state.safetensors';
let scratch = '';

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'training-files-'));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: {
      alias: {
        'webgpu-transformer/training': join(root, 'src', 'training', 'index.ts'),
        'webgpu-transformer': join(root, 'src', 'index.node.ts'),
      },
    },
    build: { ssr: 'test/support/training-process.ts', outDir: program, emptyOutDir: true },
  });
});

afterAll(async () => {
  await rm(scratch, { recursive: true });
});

/** Trains in a process of its own, which is killed some time after its first save. */
async function trainUntilKilled(folder: string, milliseconds: number): Promise<void> {
  const child = spawn(process.execPath, [join(program, 'training-process.js'), folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  if (child.exitCode !== null) throw new Error(`The process ended by itself: ${errors}`);
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal, `stderr: ${errors}`).toBe('SIGKILL');
}

test('a process that is killed at any time leaves a run that goes on bit for bit', async () => {
  const random = new Random(Date.now());
  const folder = join(scratch, 'killed');
  await onGpu(async (gpu) => {
    // The run as it would have been without a crash.
    await withTrainer(gpu, {}, async (whole) => {
      for (let kill = 0; kill < 4; kill++) {
        const delay = random.integer(0, 60);
        await trainUntilKilled(folder, delay);
        await withTrainer(gpu, {}, async (trainer) => {
          await trainer.restore(folder);
          const at = `killed after ${delay} ms, step ${trainer.step}`;
          expect(trainer.step, `run ${at}`).toBeGreaterThan(whole.step);
          await trainTo(whole, trainer.step);
          expect(await snapshot(trainer), `run ${at}`).toEqual(await snapshot(whole));
        });
        const model = await loadModel(folder, { gpu });
        expect((await model.forward(tinyBatch(0))).loss?.data[0]).toBeLessThan(10);
        model.dispose();
      }
    });
  });
  // Every file is whole, whatever was under way; only parts under other names may be left over.
  const names = await readdir(folder);
  const whole = names.filter((name) => !name.endsWith('.partial'));
  expect(whole.toSorted()).toEqual(['config.json', 'model.safetensors', stateFile]);
});

/** Trains in a process whose files have a limit from its second save on. Result: the steps it saved. */
async function trainWithin(folder: string, bytes: number): Promise<number[]> {
  const args = [join(program, 'training-process.js'), folder, String(bytes)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (text) => (output += String(text)));
  child.stderr.on('data', (text) => (errors += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, `stderr: ${errors}`).toBe(1);
  expect(errors).toContain("code: 'FILE_UNWRITABLE'");
  expect(errors).toContain('EFBIG');
  return output.trim().split('\n').map(Number);
}

// A limit on the size of files is the full disk that everybody may have: the kernel takes a part of a file.
test(
  'files that the kernel cuts off leave a checkpoint from which the run goes on',
  { timeout: 120_000 },
  () =>
    onGpu((gpu) =>
      withTrainer(gpu, {}, async (whole) => {
        const folder = join(scratch, 'limited');
        await trainTo(whole, 1);
        await whole.save(folder);
        const sizeOf = async (name: string): Promise<number> =>
          (await stat(join(folder, name))).size;
        const [state, model] = [await sizeOf(stateFile), await sizeOf('model.safetensors')];
        expect(state).toBeGreaterThan(model);
        // No file is written; the model's alone, or a part of it; and all but the end of the state.
        for (const bytes of [0, model - 1, model, state - 1]) {
          const [saved] = await trainWithin(folder, bytes);
          await trainTo(whole, saved ?? 0);
          const names = await readdir(folder);
          expect(names.toSorted()).toEqual(['config.json', 'model.safetensors', stateFile]);
          await withTrainer(gpu, {}, async (trainer) => {
            await trainer.restore(folder);
            expect(await snapshot(trainer), `${bytes} bytes`).toEqual(await snapshot(whole));
          });
          const loaded = await loadModel(folder, { gpu });
          loaded.dispose();
        }
      }),
    ),
);

test('a disk that is full half way leaves the old checkpoint, and the trainer goes on', async () => {
  await onGpu(async (gpu) => {
    const expected = await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 4);
      return snapshot(trainer);
    });
    for (const broken of ['config.json', 'model.safetensors', stateFile]) {
      await withTrainer(gpu, {}, async (trainer) => {
        const target = new MemoryTarget();
        const full = Object.assign(new Error('ENOSPC: no space left on device'), {
          code: 'ENOSPC',
        });
        const failing = {
          write: (file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> =>
            file === broken ? Promise.reject(full) : target.write(file, bytes),
        };
        for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 4 })) {
          if (step === 2) await trainer.save(target);
          if (step === 3) await expect(trainer.save(failing)).rejects.toThrow('no space left');
        }
        expect(await snapshot(trainer)).toEqual(expected);
        // Which of the two states is there depends on the file that failed; either is whole.
        const resumed = await tinyModel(gpu);
        const again = new Trainer(resumed, { learningRate: 0.01, seed: 5 });
        await again.restore(target.source);
        expect(again.step).toBe(broken === stateFile ? 2 : 3);
        await trainTo(again, 4);
        expect(await snapshot(again)).toEqual(expected);
        again.dispose();
        resumed.dispose();
        const saved = await loadModel(target.source, { gpu });
        saved.dispose();
      });
    }
  });
});

test('a folder that cannot be written to says so, and what stands there stays', async () => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 1);
      const before = await snapshot(trainer);
      const file = join(scratch, 'a-file');
      await writeFile(file, 'not a folder');
      await expectRejection(trainer.save(join(file, 'run')), 'FILE_UNWRITABLE', file, 'unchanged');
      expect(await readFile(file, 'utf8')).toBe('not a folder');

      // A folder in the place of a file: the new one is written whole, but cannot take its place.
      const folder = join(scratch, 'blocked');
      await trainer.save(folder);
      const state = await readFile(join(folder, stateFile));
      await rm(join(folder, 'model.safetensors'));
      await mkdir(join(folder, 'model.safetensors', 'inside'), { recursive: true });
      await trainTo(trainer, 2);
      await expectRejection(trainer.saveModel(folder), 'FILE_UNWRITABLE', 'model.safetensors');
      expect(await readdir(join(folder, 'model.safetensors'))).toEqual(['inside']);
      expect(await readFile(join(folder, stateFile))).toEqual(state);
      expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
      await trainer.restore(folder);
      expect(await snapshot(trainer)).toEqual(before);
    });
  });
});

test('a folder is made, by path or URL, and restored from it', async () => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 2);
      const saved = await snapshot(trainer);
      for (const [name, place] of [
        ['path', join(scratch, 'new', 'path')],
        ['URL', pathToFileURL(join(scratch, 'new', 'URL'))],
      ] as const) {
        await trainer.save(place);
        const files = await readdir(join(scratch, 'new', name));
        expect(files.toSorted()).toEqual(['config.json', 'model.safetensors', stateFile]);
        await trainTo(trainer, 3);
        await trainer.restore(place);
        expect(await snapshot(trainer), `tensor ${name}`).toEqual(saved);
      }
    });
  });
});

test('two writes of one file at once do not mix', async () => {
  const folder = join(scratch, 'at-once');
  const target = directoryTarget(folder);
  const contents = Array.from({ length: 8 }, (_, i) => new Uint8Array(200_000 + i).fill(i));
  await Promise.all(contents.map((bytes) => target.write('f', bytes)));
  const got = new Uint8Array(await readFile(join(folder, 'f')));
  const wanted = contents[got[0] ?? -1];
  expect(got).toHaveLength(wanted?.length ?? -1);
  expect(got.findIndex((byte, i) => byte !== wanted?.[i])).toBe(-1);
  expect(await readdir(folder)).toEqual(['f']);
  await expectRejection(target.write('../f', contents[0]!), 'FILE_INVALID', '../f');
  expect(existsSync(join(scratch, 'f'))).toBe(false);
});

test('whoever reads a file while it is written finds the old one or the new one', async () => {
  const target = directoryTarget(join(scratch, 'read'));
  const place = join(scratch, 'read', 'f');
  const contents = [1, 2].map((byte) => new Uint8Array(1_000_000 + byte).fill(byte));
  await target.write('f', contents[0]!);
  const seen = new Set<string>();
  for (let turn = 1; turn <= 10; turn++) {
    const written = target.write('f', contents[turn % 2]!);
    for (let look = 0; look < 5; look++) {
      const bytes = await readFile(place);
      seen.add(`${bytes.length} bytes, from ${bytes[0]} to ${bytes.at(-1)}`);
    }
    await written;
  }
  const whole = ['1000001 bytes, from 1 to 1', '1000002 bytes, from 2 to 2'];
  expect([...seen].filter((found) => !whole.includes(found))).toEqual([]);
});
