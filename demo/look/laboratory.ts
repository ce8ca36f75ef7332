// A language model that is looked into: what a scene asks for goes through it part by part, and each part is told as
// soon as it is known. A part whose causes are as they were is not computed again.

import {
  type DenseTensor,
  Gpu,
  modelSize,
  type ModelSource,
  pipeline,
  type PointEdit,
} from 'webgpu-transformer';
import { describeAdapter } from '../adapter-name.ts';
import { DirectionMaker } from './direction-maker.ts';
import { fetchFiles } from './embedded-files.ts';
import { mostBytes, newTokens } from './limits.ts';
import { checkPair, patchPair } from './patched-pair.ts';
import type { LensCell, ModelFacts, NextToken, Part, Sampling, Scene } from './protocol.ts';
import { Reader } from './reader.ts';
import { Refused } from './refused.ts';

type Pipeline = Awaited<ReturnType<typeof pipeline<'text-generation'>>>;

/** A scene under way. */
interface Work {
  readonly ids: readonly number[];
  readonly scene: Scene;
  readonly edit: readonly PointEdit[];
  readonly signal: AbortSignal;
  readonly tell: (part: Part) => void;
}

export class Laboratory {
  readonly facts: ModelFacts;
  readonly #gpu: Gpu;
  readonly #pipeline: Pipeline;
  readonly #reader: Reader;
  readonly #directions: DirectionMaker;
  /** What a part was computed from when it was told last. */
  readonly #told = new Map<string, string>();
  /** The next token of the model as it is, by the tokens before it. */
  #plain: { readonly key: string; readonly next: NextToken } | undefined;
  /** What the lens reads: the residual stream behind each layer of the last pass, where it was asked for. */
  #states: [point: string, states: DenseTensor][] = [];

  private constructor(gpu: Gpu, parts: Pipeline, facts: ModelFacts) {
    this.#gpu = gpu;
    this.#pipeline = parts;
    this.#reader = new Reader(parts.tokenizer, parts.model);
    this.#directions = new DirectionMaker(parts.model, this.#reader);
    this.facts = facts;
  }

  /**
   * Opens a device and loads a model. `onProgress` gets the bytes read and those there are.
   * @throws Refused what is too large; TransformerError ADAPTER_NOT_FOUND, FILE_*, ABORTED and others
   */
  static async open(
    source: ModelSource,
    signal: AbortSignal,
    onProgress: (loaded: number, total: number) => void,
  ): Promise<Laboratory> {
    const start = performance.now();
    const finding = find(source, signal);
    // What becomes of it is told where it is awaited.
    finding.catch(() => {});
    const gpu = await Gpu.request({ recover: true, signal });
    try {
      const { found, bytes } = await finding;
      if (bytes > mostBytes) throw new Refused('tooLarge', { bytes });
      const parts = await pipeline('text-generation', found, {
        gpu,
        signal,
        onProgress: ({ loaded, total }) => onProgress(loaded, total),
      });
      const points = await parts.model.points();
      const shapesOf = (pattern: RegExp) =>
        points.filter(({ name }) => pattern.test(name)).map(({ shape }) => shape);
      const outputs = shapesOf(/^layers\.\d+\.output$/);
      const [heads = []] = shapesOf(/^layers\.\d+\.selfAttention\.heads$/);
      return new Laboratory(gpu, parts, {
        family: String(parts.model.config['model_type']),
        layers: outputs.length,
        heads: Number(heads[2] ?? 0),
        width: Number(outputs[0]?.[2] ?? 0),
        bytes,
        loadTime: performance.now() - start,
        adapter: describeAdapter(gpu.info),
      });
    } catch (error) {
      gpu.dispose();
      throw error;
    }
  }

  /** Frees the model and the device. */
  dispose(): void {
    this.#pipeline.dispose();
    this.#gpu.dispose();
  }

  /** Shows what changed since the scene before. @throws Refused; TransformerError ABORTED and others */
  async show(scene: Scene, signal: AbortSignal, tell: Work['tell']): Promise<void> {
    const { ids, left } = this.#reader.read(scene.text);
    const key = ids.join();
    await this.#once('tokens', [key], () => {
      tell({ part: 'tokens', tokens: this.#reader.tokens(ids), left });
    });
    if (ids.length === 0) throw new Refused('empty');
    const work: Work = { ids, scene, edit: await this.#edits(scene, signal), signal, tell };
    const changes = [key, scene.off, scene.steering];
    await this.#once('next', [...changes, scene.attention, scene.lens], () => this.#look(work));
    await this.#once('text', [...changes, scene.sampling], () => this.#write(work));
    // The logits of all layers take a large model longer than the text does.
    if (scene.lens) await this.#once('lens', changes, () => this.#magnify(work));
    else this.#told.delete('lens');
    const plainCauses = [key, scene.sampling];
    // Without changes it was just told.
    if (work.edit.length === 0) this.#told.set('plain', JSON.stringify(plainCauses));
    await this.#once('plain', plainCauses, () => this.#write({ ...work, edit: [] }));
    const { pair } = scene;
    if (pair === undefined) this.#told.delete('pair');
    else await this.#once('pair', [key, pair], () => this.#patch(work, pair));
  }

  /** Does what a part asks for, unless its causes are those of the last time. */
  async #once(
    part: string,
    causes: readonly unknown[],
    work: () => void | Promise<void>,
  ): Promise<void> {
    const key = JSON.stringify(causes);
    if (this.#told.get(part) === key) return;
    this.#told.delete(part);
    await work();
    this.#told.set(part, key);
  }

  /** The changes of a scene, of what this model has. */
  async #edits({ off, steering }: Scene, signal: AbortSignal): Promise<PointEdit[]> {
    const { layers, heads } = this.facts;
    const edits: PointEdit[] = off
      .filter(({ layer, head }) => layer < layers && head < heads)
      .map(({ layer, head }) => ({ at: `layers.${layer}.head.${head}`, replace: 0 }));
    if (steering === undefined || steering.layer >= layers) return edits;
    return [...edits, await this.#directions.editOf(steering, signal)];
  }

  /** The next token, and all that is seen on the way to it, in one pass. */
  async #look({ ids, scene, edit, signal, tell }: Work): Promise<void> {
    const { model } = this.#pipeline;
    const start = performance.now();
    const layers = Array.from({ length: this.facts.layers }, (_, layer) => layer);
    const points = ['embeddings', ...layers.map((layer) => `layers.${layer}.output`)];
    const {
      logits,
      attentions,
      captured = {},
    } = await model.forward(
      { inputIds: [ids] },
      {
        logitsToKeep: 1,
        attentions: scene.attention,
        capture: scene.lens ? points : [],
        edit,
        signal,
      },
    );
    const time = performance.now() - start;
    const next = this.#reader.next(logits?.data);
    if (edit.length === 0) this.#plain = { key: ids.join(), next };
    const plain = edit.length === 0 ? undefined : await this.#plainNext(ids, signal);
    this.#states = Object.entries(captured);
    tell({ part: 'next', next, plain, attentions, time });
  }

  /** What the model would say behind each layer: the logit lens of the last pass. */
  async #magnify({ ids, signal, tell }: Work): Promise<void> {
    const { unembed } = await import('webgpu-transformer/interpret');
    const cells: LensCell[][] = [];
    // A layer at a time: of all of them the logits might not fit.
    for (const [, states] of this.#states) {
      const { data, shape } = await unembed(this.#pipeline.model, states);
      signal.throwIfAborted();
      const size = shape.at(-1) ?? 0;
      cells.push(ids.map((_, i) => this.#reader.cell(data.subarray(i * size, (i + 1) * size))));
    }
    tell({ part: 'lens', points: this.#states.map(([point]) => point), cells });
  }

  /** The next token of the model as it is. */
  async #plainNext(ids: readonly number[], signal: AbortSignal): Promise<NextToken> {
    const key = ids.join();
    if (this.#plain?.key === key) return this.#plain.next;
    const options = { logitsToKeep: 1, signal };
    const { logits } = await this.#pipeline.model.forward({ inputIds: [ids] }, options);
    const next = this.#reader.next(logits?.data);
    this.#plain = { key, next };
    return next;
  }

  /** Goes on from the text, token by token. */
  async #write({ ids, scene, edit, signal, tell }: Work): Promise<void> {
    const isPlain = edit.length === 0;
    const before = this.#reader.text(ids).length;
    const all = [...ids];
    tell({ part: 'text', isPlain, text: '' });
    const options = {
      maxNewTokens: newTokens,
      ...samplingOptions(scene.sampling),
      edit,
      signal,
    };
    for await (const { tokenIds } of this.#pipeline.model.stream({ inputIds: [ids] }, options)) {
      signal.throwIfAborted();
      all.push(...tokenIds);
      tell({ part: 'text', isPlain, text: this.#reader.text(all).slice(before) });
    }
  }

  async #patch(
    { ids, signal, tell }: Work,
    { text, part }: NonNullable<Scene['pair']>,
  ): Promise<void> {
    const other = this.#reader.read(text).ids;
    tell({ part: 'otherTokens', tokens: this.#reader.tokens(other) });
    checkPair(ids, other);
    const next = await this.#plainNext(ids, signal);
    const pair = { ids, other, next, part };
    const patches = await patchPair(this.#pipeline.model, this.#reader, pair, signal);
    tell({ part: 'patches', patches });
  }
}

/** The options of `generate` that choose tokens as the distribution on the page says. */
function samplingOptions({ temperature, topP, seed }: Sampling): {
  doSample: boolean;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
} {
  if (temperature === 0) return { doSample: false };
  return { doSample: true, temperature, topP, topK: 0, seed };
}

/** Where a model is read from, and bytes of its weights in 16 bits. */
async function find(
  source: ModelSource,
  signal: AbortSignal,
): Promise<{ readonly found: ModelSource; readonly bytes: number }> {
  const isOfPage = typeof source === 'string' && !source.startsWith('hf:');
  const found = isOfPage ? await fetchFiles(source, signal) : source;
  return { found, bytes: await bytesOf(found) };
}

/** Bytes of the weights in 16 bits; 0 where no header tells. */
async function bytesOf(source: ModelSource): Promise<number> {
  try {
    return (await modelSize(source)).gpuBytes.f16;
  } catch {
    // What is wrong with the files is told when they are loaded.
    return 0;
  }
}
