// The versions of the common adapter on disk: FOLDER/0, FOLDER/1 and so on, each whole or not there. A version is an
// adapter as PEFT has it, and beside it the momentum of the outer steps.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { adapterFile, adapterTensors } from 'webgpu-transformer/training';

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';

/** The last version: { version, config, adapter, velocity }. */
export async function readLast(folder) {
  const names = await readdir(folder).catch(() => []);
  const versions = names.filter((name) => /^\d+$/.test(name)).map(Number);
  if (versions.length === 0) throw new Error(`${folder} has no adapter. Run node start.js first.`);
  const version = Math.max(...versions);
  const place = path.join(folder, String(version));
  const config = await readFile(path.join(place, configFile), 'utf8');
  const read = async (at) => tensorsOf(await readFile(path.join(place, at, weightsFile)));
  const adapter = await read('.');
  const velocity = version === 0 ? undefined : await read('velocity');
  return { version, config, adapter, velocity };
}

/** Writes a version beside its place, then puts it there: who is killed meanwhile leaves the last one. */
export async function write(folder, { version, config, adapter, velocity }) {
  const place = path.join(folder, String(version));
  const unfinished = `${place}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(path.join(unfinished, 'velocity'), { recursive: true });
  for (const [at, tensors] of Object.entries({ '.': adapter, velocity })) {
    const { name, bytes } = adapterFile(tensors);
    await writeFile(path.join(unfinished, at, name), bytes, { flush: true });
  }
  await writeFile(path.join(unfinished, configFile), config, { flush: true });
  await rename(unfinished, place);
}

/** The tensors of an adapter file. */
export function tensorsOf(bytes) {
  return adapterTensors({ read: async () => bytes });
}
