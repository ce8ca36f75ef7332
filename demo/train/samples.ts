// The phrases that every look at the model shows: each kind twice, in eight directions.

import type { TranslationPipeline } from 'webgpu-transformer';
import { type Phrase, unseenPhrases } from '../../src/phrases/phrases.ts';
import { sequenceBatch } from '../../src/training/batches.ts';
import { crossAttention, encoderAttention } from '../attention.ts';
import type { Look } from './protocol.ts';

/** The kind and direction of each sample. */
const wanted = [
  'date en-fr',
  'date zh-de',
  'dateWithTime fr-en',
  'dateWithTime de-zh',
  'relativeTime en-de',
  'relativeTime zh-fr',
  'measure de-en',
  'measure fr-zh',
];

/** The same phrases in every run, whatever its seed: of meanings that training never draws. */
const samplesSeed = 2017;

/** Tokens a wrong answer may go on beyond the longest right one. */
const spareTokens = 4;

export class Samples {
  readonly phrases: readonly Phrase[];
  readonly #translator: TranslationPipeline;
  readonly #sources: readonly (readonly number[])[];
  /** The first phrase's right answer, end token included. */
  readonly #target: readonly number[];
  readonly #maxNewTokens: number;

  constructor(translator: TranslationPipeline) {
    const drawn = unseenPhrases(samplesSeed, 1);
    this.phrases = wanted.flatMap((name) =>
      drawn.filter(({ kind, from, to }) => `${kind} ${from}-${to}` === name),
    );
    const { tokenizer } = translator;
    const targets = this.phrases.map(({ answers: [answer] }) => tokenizer.encode(answer));
    this.#translator = translator;
    this.#sources = this.phrases.map(({ text, to }) => translator.encode(text, { to }));
    this.#target = targets[0] ?? [];
    this.#maxNewTokens = spareTokens + Math.max(...targets.map(({ length }) => length));
  }

  /** Translates all phrases side by side, and reads the attention of the first. */
  async look(step: number): Promise<Look> {
    const { model, tokenizer } = this.#translator;
    const pairs = this.#sources.map((source) => ({ source, target: [] }));
    const { inputIds = [], attentionMask = [] } = sequenceBatch(pairs, 0);
    const { sequences } = await model.generate(
      { inputIds, attentionMask },
      { maxNewTokens: this.#maxNewTokens },
    );
    const [source = []] = this.#sources;
    const startId = Number(model.config['decoder_start_token_id']);
    const { crossAttentions = [], encoderAttentions = [] } = await model.forward(
      { inputIds: [source], decoderInputIds: [[startId, ...this.#target.slice(0, -1)]] },
      { attentions: true },
    );
    const read = tokenizer.tokens(source);
    return {
      step,
      answers: sequences.map((ids) => tokenizer.decode(ids)),
      cross: crossAttention(crossAttentions, read, tokenizer.tokens(this.#target)),
      encoder: encoderAttention(encoderAttentions, read),
    };
  }
}
