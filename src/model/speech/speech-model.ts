// The parts of a loaded model that hears, each of which is used apart: the encoder, and the decoder beside what that gave.

import { throwIfAborted } from '../../runtime/errors.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import type { ForwardPlan } from '../forward-plan.ts';
import type { Generation } from '../generation/generation.ts';
import { generationOf } from '../generation/loaded-generation.ts';
import { pairPrompt } from '../generation/pair-prompt.ts';
import type { CheckedInput } from '../inputs/input-stage.ts';
import { bucket, type DenseTensor } from '../inputs/inputs.ts';
import { assertCurrent, type LoadedParts, type Model, type ModelOutput } from '../model.ts';
import type { PairBatch } from '../pair-inputs.ts';
import { PlanCache } from '../plan-cache.ts';
import type { JsonObject } from '../../source/json.ts';
import { EncodedInput } from './encoded-input.ts';
import type { Beside, Hearing } from './hearing.ts';
import {
  afterEncoder,
  decoderPlan,
  type DecoderShape,
  type EncoderBatch,
  encoderPlan,
} from '../speech-plans.ts';
import { type SpeechTokens, speechTokens } from './speech-options.ts';

/** Lists of the encoder, and of the decoder, that are kept. */
const [encoderPlans, decoderPlans] = [2, 4];

export class SpeechModel implements Hearing {
  readonly bins: number;
  readonly frames: number;
  readonly tokens: SpeechTokens;
  readonly file: JsonObject;
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly medianWidth: number;
  readonly generation: Generation;
  readonly #parts: LoadedParts;
  readonly #model: EncoderDecoderDefinition;
  /** The model behind its encoder. */
  readonly #decoder: EncoderDecoderDefinition;
  readonly #encoding = new PlanCache<ForwardPlan<EncoderBatch>>(encoderPlans);
  readonly #decoding = new PlanCache<ForwardPlan<PairBatch>>(decoderPlans);

  /** `settings`: those of generation. Errors: OPTION_INVALID, for files that make no sense. */
  constructor(
    parts: LoadedParts,
    model: EncoderDecoderDefinition,
    { stage, medianWidth }: Required<EncoderDecoderDefinition>['speech'],
    { settings, forward }: { readonly settings: JsonObject; readonly forward: Model['forward'] },
  ) {
    const { targetVocabulary: vocabulary, maxPositions } = model.shape;
    ({ bins: this.bins, frames: this.frames } = stage.sound);
    this.tokens = speechTokens(parts.generation, parts.config, vocabulary);
    this.file = parts.generation;
    this.vocabulary = vocabulary;
    this.maxPositions = maxPositions;
    this.medianWidth = medianWidth;
    this.#parts = parts;
    this.#model = model;
    this.#decoder = afterEncoder(model, new EncodedInput());
    const { weights, source } = this.#decoder;
    const read = pairPrompt(this.#decoder, settings);
    const about = { generation: settings, vocabulary, maxPositions, forward, read };
    this.generation = generationOf(parts, { weights, stage: source }, about);
  }

  async encode(inputFeatures: DenseTensor, signal: AbortSignal | undefined): Promise<DenseTensor> {
    const source = this.#model.source.check({ inputFeatures });
    const { batch, length, size } = source;
    const shape = { batch, length, size };
    const record = async (): Promise<ForwardPlan<EncoderBatch>> => {
      assertCurrent(this.#parts);
      return encoderPlan(this.#parts.scope, this.#model, shape);
    };
    const output = await this.#encoding.share(JSON.stringify(shape), record, (plan) =>
      plan.play({ source }, signal),
    );
    return given(output.encoderLastHiddenState);
  }

  sourceOf(states: DenseTensor): CheckedInput {
    return this.#decoder.source.check({ inputsEmbeds: states });
  }

  async logits(beside: Beside): Promise<DenseTensor> {
    return given((await this.#decode(beside, false)).logits);
  }

  async crossAttentions(beside: Beside): Promise<readonly DenseTensor[]> {
    return (await this.#decode(beside, true)).crossAttentions ?? [];
  }

  async #decode(
    { states, decoderInputIds, signal }: Beside,
    attends: boolean,
  ): Promise<ModelOutput> {
    throwIfAborted(signal);
    const source = this.sourceOf(states);
    const target = this.#decoder.target.check({ decoderInputIds });
    const shape: DecoderShape = {
      batch: source.batch,
      sourceLength: source.length,
      sourceSize: source.size,
      targetLength: bucket(target.length, this.maxPositions),
      labelled: false,
      attends,
    };
    const record = async (): Promise<ForwardPlan<PairBatch>> => {
      assertCurrent(this.#parts);
      return decoderPlan(this.#parts.scope, this.#decoder, shape);
    };
    return this.#decoding.share(JSON.stringify(shape), record, (plan) =>
      plan.play({ source, target }, signal),
    );
  }

  dispose(): void {
    this.#encoding.dispose();
    this.#decoding.dispose();
    this.generation.dispose();
  }
}

function given(tensor: DenseTensor | undefined): DenseTensor {
  if (tensor === undefined) throw new RangeError('a list without its result');
  return tensor;
}
