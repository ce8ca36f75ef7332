// Models that read digits: a picture in, ten probabilities and the attention of every layer out.

import { Gpu, loadModel, type Model, type Source } from 'webgpu-transformer';
import { side } from '../digits/digits.ts';
import type { Picture } from '../digits/place.ts';
import { pixelValues } from '../digits/pixel-values.ts';
import type { SavedFile } from '../train/protocol.ts';
import { inkCanvas } from './ink.ts';
import { softmax } from './scores-view.ts';
import type { Sight } from './sight.ts';

/** Which model: the one that comes with the page, or the one that is trained in it. */
export type ModelName = 'ready' | 'own';

/** Patches across a picture, and down. */
const across = 7;

export class Reader {
  readonly #sources = new Map<ModelName, Source>();
  readonly #models = new Map<Source, Model>();
  #gpu: Gpu | undefined;

  /** Whether no model is loaded. */
  get isClosed(): boolean {
    return this.#models.size === 0;
  }

  /** Takes these files for a model. They are loaded with the next picture. */
  offer(name: ModelName, files: readonly SavedFile[]): void {
    this.#sources.set(name, filesSource(files));
  }

  /**
   * Reads one picture; calls must not overlap.
   * @throws TransformerError ADAPTER_NOT_FOUND without WebGPU, DEVICE_LOST, FILE_* when a file cannot be read
   */
  async read(name: ModelName, picture: Picture): Promise<Sight> {
    const begin = performance.now();
    const source = await this.#sourceOf(name);
    const known = this.#models.get(source);
    const model = known ?? (await this.#load(source));
    const start = performance.now();
    const { logits, attentions = [] } = await model.forward(
      { pixelValues: pixelValues([picture]) },
      { attentions: true },
    );
    const time = performance.now() - start;
    const parts = softmax(logits?.data ?? new Float32Array(10));
    const ink = getComputedStyle(document.body).color;
    return {
      scores: Array.from(parts, (score, digit) => ({ label: String(digit), score })),
      attentions,
      seen: { picture: inkCanvas(picture, side, ink), isInk: true, rows: across, columns: across },
      time,
      loadTime: known === undefined ? start - begin : undefined,
      model,
    };
  }

  /** Frees what is on the GPU; the next picture opens it anew. */
  close(): void {
    for (const model of this.#models.values()) model.dispose();
    this.#models.clear();
    this.#gpu?.dispose();
    this.#gpu = undefined;
  }

  async #sourceOf(name: ModelName): Promise<Source> {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const source = await fetchedSource(new URL('digits/', document.baseURI));
    this.#sources.set(name, source);
    return source;
  }

  /** Loads a model, and frees those that another has taken the place of. */
  async #load(source: Source): Promise<Model> {
    this.#gpu ??= await Gpu.request();
    const model = await loadModel(source, { gpu: this.#gpu });
    const current = new Set(this.#sources.values());
    for (const [old, replaced] of this.#models) {
      if (current.has(old)) continue;
      replaced.dispose();
      this.#models.delete(old);
    }
    this.#models.set(source, model);
    return model;
  }
}

/** The files of the model that comes with the page. @throws Error when one of them is not there */
async function fetchedSource(folder: URL): Promise<Source> {
  const names = ['config.json', 'model.safetensors'];
  const reading = names.map(async (name): Promise<SavedFile> => {
    const response = await fetch(new URL(name, folder));
    if (!response.ok) throw new Error(`${name} did not come: HTTP status ${response.status}.`);
    return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
  });
  return filesSource(await Promise.all(reading));
}

function filesSource(files: readonly SavedFile[]): Source {
  const contents = new Map(files.map(({ name, bytes }) => [name, bytes]));
  return { read: async (name) => contents.get(name) };
}
