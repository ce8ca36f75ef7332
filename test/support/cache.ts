// A cache that no other test has seen: a folder of its own in Node, the origin's storage in Chromium.

import { clearCache } from 'webgpu-transformer';
import { afterAll, beforeEach } from 'vitest';

/** Empties the cache before each test of the file. Returns how many files it holds. */
export function ownCache(): { files(): Promise<string[]> } {
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
  return { files: async () => listAll(await folder) };
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
