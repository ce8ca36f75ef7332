// The library at work: load the model beside the page, translate token by token, ask for attention.

import { Gpu, pipeline, TransformerError, type TranslationPipeline } from 'webgpu-transformer';
import { type Attention, crossAttention } from './attention.ts';

/** How a translation went. Times are in milliseconds. */
export interface Generation {
  readonly sourceIds: readonly number[];
  /** The generated tokens, the end token included unless it was stopped. */
  readonly targetIds: readonly number[];
  readonly firstToken: number;
  /** From the first token to the last. */
  readonly rest: number;
  readonly isStopped: boolean;
  /** Whether the text is one that the model was made for, from 0 to 1; of what was not stopped. */
  readonly score?: number | undefined;
}

export class Translator {
  readonly gpu: Gpu;
  readonly loadTime: number;
  /** Bytes of the weights' files. */
  readonly bytes: number;
  readonly #pipeline: TranslationPipeline;

  private constructor(gpu: Gpu, translate: TranslationPipeline, loadTime: number, bytes: number) {
    this.gpu = gpu;
    this.#pipeline = translate;
    this.loadTime = loadTime;
    this.bytes = bytes;
  }

  /**
   * Opens a device and loads the model. `onProgress` gets the bytes read and those there are.
   * @throws TransformerError ADAPTER_NOT_FOUND without WebGPU, FILE_* when a file cannot be read.
   */
  static async load(onProgress: (loaded: number, total: number) => void): Promise<Translator> {
    const start = performance.now();
    const gpu = await Gpu.request();
    try {
      let bytes = 0;
      const translate = await pipeline('translation', new URL('phrases/', document.baseURI), {
        gpu,
        onProgress: ({ loaded, total }) => {
          bytes = total;
          onProgress(loaded, total);
        },
      });
      return new Translator(gpu, translate, performance.now() - start, bytes);
    } catch (error) {
      gpu.dispose();
      throw error;
    }
  }

  get languages(): readonly string[] {
    return this.#pipeline.languages;
  }

  /** The model in a few words, from its configuration. */
  describe(): string {
    const { config } = this.#pipeline.model;
    const value = (name: string): string => String(config[name]);
    const layers = `${value('encoder_layers')} + ${value('decoder_layers')} layers`;
    return `${layers}, ${value('decoder_attention_heads')} heads, width ${value('d_model')}`;
  }

  /** Parts of a text that the model has no token for. */
  unknownParts(text: string): string[] {
    return this.#pipeline.unknownParts(text);
  }

  /** Translates greedily; `onText` gets the text so far after each token. */
  async generate(
    text: string,
    to: string,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Generation> {
    const translate = this.#pipeline;
    const sourceIds = translate.encode(text, { to });
    let targetIds: readonly number[] = [];
    const start = performance.now();
    let [first, last, isStopped] = [start, start, false];
    let score: number | undefined;
    const onTokens = ([sequence = []]: readonly number[][]): boolean[] => {
      last = performance.now();
      if (targetIds.length === 0) first = last;
      targetIds = sequence.slice(1); // behind the start token
      onText(translate.tokenizer.decode([...targetIds]));
      return [false];
    };
    try {
      const options = { to, signal, score: true, stoppingCriteria: onTokens };
      const [translation] = await translate(text, options);
      score = translation?.score;
    } catch (error) {
      if (!(error instanceof TransformerError) || error.code !== 'ABORTED') throw error;
      isStopped = true;
    }
    const times = { firstToken: first - start, rest: last - first };
    return { sourceIds, targetIds, ...times, isStopped, score };
  }

  /**
   * The cross-attention behind a translation: one pass over all its tokens. The decoder gets the
   * start token first, so row t is the query that chose target token t.
   */
  async attention({ sourceIds, targetIds }: Generation): Promise<Attention> {
    const { model, tokenizer } = this.#pipeline;
    const startId = Number(model.config['decoder_start_token_id']);
    const { crossAttentions = [] } = await model.forward(
      { inputIds: [sourceIds], decoderInputIds: [[startId, ...targetIds.slice(0, -1)]] },
      { attentions: true },
    );
    return crossAttention(
      crossAttentions,
      tokenizer.tokens(sourceIds),
      tokenizer.tokens(targetIds),
    );
  }

  dispose(): void {
    this.#pipeline.dispose();
    this.gpu.dispose();
  }
}
