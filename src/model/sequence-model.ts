// A loaded model of one stack: an encoder with its head, or a language model.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { SequenceDefinition } from './definitions.ts';
import type { DecodePrompt } from './generation/decoding.ts';
import type { GenerateOptions } from './generation/generation-options.ts';
import { LazyGenerator } from './generation/generator.ts';
import { bucket, maskBatch, tokenBatch } from './inputs/inputs.ts';
import type { JsonObject } from '../source/json.ts';
import { languageModelOf } from './layers/logits.ts';
import type * as Losses from './heads/losses.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type GenerateOutputOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  refuseInputs,
} from './model.ts';
import { hidePadding } from './generation/padding.ts';
import { PlanCache } from './plan-cache.ts';
import {
  type SequenceTokens,
  sequenceTokens,
  shifted,
  tokenLabels,
} from './inputs/sequence-inputs.ts';
import type { SequencePlan, SequenceShape } from './sequence-plan.ts';
import { headMakers, type TrainingHead } from './training-head.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;

export class SequenceModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #definition: SequenceDefinition;
  readonly #forwards = new PlanCache<SequencePlan>(forwardPlans);
  /** The settings of generation. */
  readonly #settings: JsonObject;
  /** Of language models. */
  readonly #generator: LazyGenerator | undefined;

  /** `settings`: those of generation in the files, of models that generate. */
  constructor(
    parts: LoadedParts,
    definition: SequenceDefinition,
    settings: JsonObject = parts.generation,
  ) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = definition.maxPositions;
    this.#parts = parts;
    this.#definition = definition;
    this.#settings = settings;
    const weights = languageModelOf(definition);
    if (weights === undefined) return;
    this.#generator = new LazyGenerator(async () => {
      const { SequenceGenerator } = await import('./generation/sequence-generator.ts');
      const generating = { ...parts, generation: settings };
      return new SequenceGenerator(generating, { definition, weights }, this.forward.bind(this));
    });
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal'], 'option of forward');
    const tokens = sequenceTokens(inputs, this.#definition);
    const lossOf = this.#lossOf(inputs, tokens);
    throwIfAborted(options.signal);
    const shape: SequenceShape = {
      batch: tokens.ids.batch,
      length: bucket(tokens.ids.length),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
    };
    const record = async (): Promise<SequencePlan> => {
      const { SequencePlan: Recorded } = await import('./sequence-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return Recorded.create(this.gpu, this.#definition, shape);
    };
    const output = await this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(tokens, this.config['pad_token_id'], options.signal),
    );
    if (lossOf !== undefined) {
      const losses = await import('./heads/losses.ts');
      output.loss = losses.lossOutput(lossOf(output, losses));
    }
    return output;
  }

  async generate(
    inputs: ModelInputs,
    options: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const prompt = this.#prompt(inputs, options);
    return this.#language().generate(prompt, options);
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    yield* this.#language().stream(this.#prompt(inputs, options), options);
  }

  trainingHead(): TrainingHead {
    this.#forwards.assertUsable();
    return headMakers().sequence(this.#parts, this.#definition);
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#generator?.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #language(): LazyGenerator {
    if (this.#generator !== undefined) return this.#generator;
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${show(this.config['model_type'])} does not generate. Use forward.`,
    );
  }

  /** What a generation starts from: the tokens to go on from, padded on the left. */
  #prompt(given: ModelInputs, options: GenerateOptions): DecodePrompt {
    const inputs = hidePadding(given, options, this.#settings);
    refuseInputs(inputs, ['inputIds', 'attentionMask'], 'Generation');
    const tokens = tokenBatch('inputIds', inputs.inputIds, 0, this.#definition.vocabulary);
    const mask = maskBatch('attentionMask', inputs.attentionMask, tokens, 'inputIds');
    const wrong = mask.rows.findIndex((row) => row.at(-1) === 0);
    if (wrong < 0) return { tokens, mask };
    throw new TransformerError(
      'INPUT_INVALID',
      `attentionMask[${wrong}] ends with padding, where the text is to go on. Pad on the left.`,
    );
  }

  /** How to compute the loss of the outputs, when the inputs ask for it; they are checked here. */
  #lossOf(
    inputs: ModelInputs,
    { ids }: SequenceTokens,
  ): ((output: ModelOutput, losses: typeof Losses) => number) | undefined {
    const { head, vocabulary } = this.#definition;
    const { labels, startPositions, endPositions } = inputs;
    if (startPositions !== undefined && endPositions !== undefined) {
      return ({ startLogits: start, endLogits: end }, { spanLoss }) =>
        start && end ? spanLoss(start, end, startPositions, endPositions) : NaN;
    }
    if (labels === undefined) return undefined;
    if (head?.kind === 'sequence') {
      const problem = this.config['problem_type'] ?? undefined;
      return ({ logits }, { sequenceLoss }) =>
        logits ? sequenceLoss(logits, labels, problem) : NaN;
    }
    const classes =
      head?.kind === 'token' ? (head.layers.at(-1)?.linear.weight.size(0) ?? 0) : vocabulary;
    const batch = tokenLabels(labels, ids, classes);
    const { rows } = head?.kind === 'language' ? shifted(batch) : batch;
    const wanted = rows.flat();
    return ({ logits }, { crossEntropyOf, rowsOf }) =>
      logits ? crossEntropyOf(rowsOf(logits.data, logits.shape.at(-1) ?? 1), wanted) : NaN;
  }
}
