// Files the tests read, in Node from the disk, in a browser from the server that serves the tests.

/**
 * The bytes of a file under `test/fixtures` (`marian/model.safetensors`), or of a model that comes
 * with the package, named from the root of the repository (`models/phrases/config.json`).
 */
export async function readFixture(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = path.startsWith('models/') ? path : `test/fixtures/${path}`;
  if (!('document' in globalThis)) {
    const { readFile } = await import('node:fs/promises');
    return new Uint8Array(await readFile(new URL(`../../${file}`, import.meta.url)));
  }
  const response = await fetch(`/${file}`);
  // A single-page server answers an unknown path with its page instead of 404.
  if (!response.ok || response.headers.get('content-type')?.startsWith('text/html') === true) {
    throw new Error(`No fixture at ${file} (status ${response.status}).`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** The same, parsed as JSON. */
export async function readFixtureJson(path: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readFixture(path)));
}
