// A model that hears: what is said in a sound, and where it listened as it wrote each word.

import {
  type DenseTensor,
  Gpu,
  type ModelSource,
  pipeline,
  type Pipelines,
  readAudio,
  type SampledSound,
} from 'webgpu-transformer';
import type { Stretch } from './listener.ts';
import { type Head, upperHeads, wordWeights } from './word-weights.ts';

/** What a visitor asks for. */
export interface Choices {
  /** A code of `languages`; heard from the sound when undefined. */
  readonly language: string | undefined;
  readonly task: 'transcribe' | 'translate';
}

export interface LookedWord {
  readonly text: string;
  /** Seconds of the sound, where the model says when words are spoken. */
  readonly timestamp: readonly [start: number | null, end: number | null];
  /** Weight of each step of the sound. */
  readonly weights: Float32Array;
}

/** What a model saw of a sound, and in which of it each word is. */
export interface Look {
  readonly words: readonly LookedWord[];
  /** (1, bands, frames), zeros or silence behind the sound. */
  readonly features: DenseTensor;
  /** Frames of the sound, and seconds. */
  readonly frames: number;
  readonly seconds: number;
}

export class Recognizer {
  readonly gpu: Gpu;
  readonly loadTime: number;
  /** Bytes of the weights' files. */
  readonly bytes: number;
  readonly #recognize: Pipelines['automatic-speech-recognition'];
  /** Ends when the model has nothing to do. */
  #idle: Promise<unknown> = Promise.resolve();

  private constructor(
    gpu: Gpu,
    recognize: Pipelines['automatic-speech-recognition'],
    loadTime: number,
    bytes: number,
  ) {
    this.gpu = gpu;
    this.#recognize = recognize;
    this.loadTime = loadTime;
    this.bytes = bytes;
  }

  /** Loads a model on a device of its own. `onProgress` gets the bytes read and those there are. */
  static async load(
    source: ModelSource,
    onProgress: (loaded: number, total: number) => void,
  ): Promise<Recognizer> {
    const start = performance.now();
    const gpu = await Gpu.request();
    try {
      let bytes = 0;
      const recognize = await pipeline('automatic-speech-recognition', source, {
        gpu,
        onProgress: ({ loaded, total }) => {
          bytes = total;
          onProgress(loaded, total);
        },
      });
      if (recognize.featureExtractor.windowLength === undefined) {
        throw new Error(
          'This model hears, but is no Whisper, which this page is made for. Choose one.',
        );
      }
      return new Recognizer(gpu, recognize, performance.now() - start, bytes);
    } catch (error) {
      gpu.dispose();
      throw error;
    }
  }

  get samplingRate(): number {
    return this.#recognize.featureExtractor.samplingRate;
  }

  /** Seconds that it hears at once. */
  get window(): number {
    const { windowLength = 0, samplingRate } = this.#recognize.featureExtractor;
    return windowLength / samplingRate;
  }

  /** Codes of the languages that it can be told; none where it knows English alone. */
  get languages(): string[] {
    const { lang_to_id: ids, is_multilingual: isMultilingual } = this.#settings;
    if (isMultilingual === false || typeof ids !== 'object' || ids === null) return [];
    return Object.keys(ids).map((token) => token.replaceAll(/[<|>]/g, ''));
  }

  /** The model in a few words, from its configuration. */
  describe(): string {
    const { config } = this.#recognize.model;
    const value = (name: string): string => String(config[name]);
    return `${value('encoder_layers')} + ${value('decoder_layers')} layers, width ${value('d_model')}`;
  }

  /** What is said in a sound, by the model's time stamps. `onText` gets what is written so far. */
  async hear(
    sound: SampledSound,
    choices: Choices,
    { signal, onText }: { signal: AbortSignal; onText: (text: string) => void },
  ): Promise<readonly Stretch[]> {
    let written = '';
    const { chunks = [] } = await this.#alone(() =>
      this.#recognize(sound, {
        ...this.#asked(choices),
        returnTimestamps: true,
        signal,
        onText: (piece) => onText((written += piece)),
      }),
    );
    return chunks;
  }

  /** Hears a sound once more, with the time of each word and the attention to the sound as it is written. */
  look(sound: SampledSound, choices: Choices): Promise<Look> {
    return this.#alone(() => this.#look(sound, choices));
  }

  async #look(sound: SampledSound, choices: Choices): Promise<Look> {
    const { model, featureExtractor, tokenizer } = this.#recognize;
    const { samplingRate } = featureExtractor;
    const samples = await readAudio(sound, { samplingRate, gpu: this.gpu });
    const heads = this.#settings['alignment_heads'] as readonly Head[] | undefined;
    let prompt: readonly number[] = [];
    const { text, chunks = [] } = await this.#recognize(samples, {
      ...this.#asked(choices),
      returnTimestamps: heads === undefined ? true : 'word',
      stoppingCriteria: (sequences) => {
        if (prompt.length === 0) prompt = sequences[0]?.slice(0, -1) ?? [];
        return sequences.map(() => false);
      },
    });
    const words = heads === undefined ? untimedWords(text) : chunks;
    const { inputFeatures } = await featureExtractor.features(this.gpu, samples);
    if (inputFeatures === undefined) throw new TypeError('This model takes no spectrograms.');
    const own = words.map((word) =>
      tokenizer.encode(word.text, undefined, { addSpecialTokens: false }),
    );
    const begin = [...prompt, Number(this.#settings['no_timestamps_token_id'])];
    const decoderInputIds = [[...begin, ...own.flat()].slice(0, model.maxPositions)];
    const inputs = { inputFeatures, decoderInputIds };
    const { crossAttentions = [] } = await model.forward(inputs, { attentions: 'cross' });
    const part = samples.length / (featureExtractor.windowLength ?? samples.length);
    const steps = crossAttentions[0]?.shape.at(-1) ?? 0;
    const weights = wordWeights({
      attentions: crossAttentions,
      heads: heads ?? upperHeads(crossAttentions),
      rows: this.#spokenRows(own, begin.length - 1),
      steps: Math.ceil(part * steps),
    });
    return {
      words: words.map(({ text: word, timestamp = [null, null] }, i) => ({
        text: word,
        timestamp,
        weights: weights[i] ?? new Float32Array(),
      })),
      features: inputFeatures,
      frames: Math.ceil(part * (inputFeatures.shape.at(-1) ?? 0)),
      seconds: samples.length / samplingRate,
    };
  }

  /** The rows that write each word, the first of all being `first`: signs are not spoken, but where they are all. */
  #spokenRows(words: readonly (readonly number[])[], first: number): number[][] {
    const { tokenizer } = this.#recognize;
    let row = first;
    return words.map((tokens) => {
      const all = tokens.map((token) => ({ token, row: row++ }));
      // The replacement character stands for a part of one.
      const spoken = all.filter(({ token }) =>
        /[\p{L}\p{N}\ufffd]/u.test(tokenizer.decode([token])),
      );
      return (spoken.length > 0 ? spoken : all).map((one) => one.row);
    });
  }

  dispose(): void {
    this.#recognize.dispose();
    this.gpu.dispose();
  }

  get #settings(): Readonly<Record<string, unknown>> {
    return this.#recognize.model.generationConfig ?? {};
  }

  /** One piece of work after the other. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#idle.then(work);
    this.#idle = result.catch(() => undefined);
    return result;
  }

  #asked({ language, task }: Choices) {
    if (this.languages.length === 0) return {};
    return { task, returnLanguage: true, ...(language !== undefined && { language }) };
  }
}

function untimedWords(text: string): Stretch[] {
  const words = text.match(/\s*\S+/g) ?? [];
  return words.map((word) => ({ text: word }));
}
