// A cache that no other test has seen: a folder of its own in Node, the origin's storage in Chromium.

import { clearCache } from 'webgpu-transformer';
import { afterAll, beforeEach } from 'vitest';

export interface OwnCache {
  /** The paths of all files in it. */
  files(): Promise<string[]>;
  /** Puts bytes in the place of a file. */
  overwrite(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void>;
}

/** Empties the cache before each test of the file. */
export function ownCache(): OwnCache {
  const folder = inNode();
  beforeEach(async () => {
    await folder;
    await clearCache();
  });
  afterAll(async () => {
    await clearCache();
    const { rm } = await import('node:fs/promises').catch(() => ({ rm: undefined }));
    const path = await folder;
    if (path !== undefined) await rm?.(path, { recursive: true, force: true });
  });
  return { files: async () => listAll(await folder), overwrite };
}

async function overwrite(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  if (!('document' in globalThis)) {
    const { readFile, writeFile } = await import('node:fs/promises');
    await writeFile(path, change(await readFile(path)));
    return;
  }
  const [name = '', ...folders] = path.split('/').slice(1).toReversed();
  let at = await navigator.storage.getDirectory();
  for (const folder of folders.toReversed()) at = await at.getDirectoryHandle(folder);
  const file = await at.getFileHandle(name);
  const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
  const stream = await file.createWritable();
  await stream.write(change(bytes) as Uint8Array<ArrayBuffer>);
  await stream.close();
}

async function inNode(): Promise<string | undefined> {
  if ('document' in globalThis) return undefined;
  const { mkdtemp } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const folder = await mkdtemp(`${tmpdir()}/cache-`);
  process.env['WEBGPU_TRANSFORMER_CACHE'] = folder;
  return folder;
}

/** The paths of all files in the cache. */
async function listAll(folder: string | undefined): Promise<string[]> {
  if (folder !== undefined) {
    const { readdir } = await import('node:fs/promises');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => `${entry.path}/${entry.name}`);
  }
  const paths: string[] = [];
  const walk = async (at: FileSystemDirectoryHandle, path: string): Promise<void> => {
    for await (const [name, handle] of at.entries()) {
      if (handle instanceof FileSystemDirectoryHandle) await walk(handle, `${path}/${name}`);
      else paths.push(`${path}/${name}`);
    }
  };
  await walk(await navigator.storage.getDirectory(), '');
  return paths;
}
