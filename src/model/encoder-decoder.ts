// A loaded encoder–decoder model over token ids: whole sequences (forward) and generation.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { crossEntropy, ignoredLabel } from '../shaders/cross-entropy.ts';
import { type Watch, watchedBy, watchFor } from './encoder.ts';
import type { GenerateOptions } from './generation-config.ts';
import { generationSettings } from './generation-config.ts';
import { greedySearch } from './greedy-search.ts';
import { GreedySession } from './greedy-session.ts';
import {
  bucket,
  maskBatch,
  padRows,
  sameShape,
  type TokenBatch,
  tokenBatch,
  withinPositions,
} from './inputs.ts';
import type { JsonObject } from './json.ts';
import type { MarianModel, TransformerShape } from './marian.ts';
import {
  type ForwardOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  OutputReader,
  refuseInputs,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import { tokensOf, writePositions } from './token-inputs.ts';
import {
  decode,
  encode,
  logits,
  remember,
  type Tokens,
  type TransformerWeights,
} from './transformer.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;
/** The lists of generation that are kept; each holds caches. */
const idleSessions = 4;

/** A forward pass, recorded for one batch size and one pair of padded lengths. */
interface ForwardPlan {
  readonly plan: Plan;
  readonly source: Tokens;
  readonly target: Tokens;
  readonly labels: Tensor;
  readonly memory: Tensor;
  readonly hidden: Tensor;
  readonly logits: Tensor;
  readonly loss: Tensor | undefined;
  readonly encoderWatch: Watch;
  readonly decoderWatch: Watch;
  dispose(): void;
}

/** Which optional results a list computes. */
interface Wanted {
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
  readonly loss: boolean;
}

export class EncoderDecoderModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly #parts: LoadedParts;
  readonly #shape: TransformerShape;
  readonly #weights: TransformerWeights;
  readonly #forwards = new PlanCache<ForwardPlan>(forwardPlans);
  readonly #sessions = new PlanCache<GreedySession>(idleSessions);

  constructor(parts: LoadedParts, { shape, weights }: MarianModel) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.#parts = parts;
    this.#shape = shape;
    this.#weights = weights;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal'], 'option of forward');
    const taken = [
      'inputIds',
      'attentionMask',
      'decoderInputIds',
      'decoderAttentionMask',
      'labels',
    ] as const;
    refuseInputs(inputs, taken, 'This encoder–decoder model');
    const { maxPositions, targetVocabulary, dModel } = this.#shape;
    const { source, sourceMask } = this.#source(inputs);
    const labels =
      inputs.labels && tokenBatch('labels', inputs.labels, ignoredLabel, targetVocabulary);
    const target = this.#target(inputs, labels);
    withinPositions('decoderInputIds', target.length, maxPositions);
    const targetMask = maskBatch(
      'decoderAttentionMask',
      inputs.decoderAttentionMask,
      target,
      'decoderInputIds',
    );
    this.#sameBatch(source, target);
    if (labels !== undefined) sameShape('labels', labels, target, 'decoderInputIds');

    const wanted: Wanted = {
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
      loss: labels !== undefined,
    };
    const [sourceLength, targetLength] = [
      bucket(source.length, maxPositions),
      bucket(target.length, maxPositions),
    ];
    const key = [source.batch, sourceLength, targetLength, ...Object.values(wanted)].join();
    throwIfAborted(options.signal);
    const record = (): Promise<ForwardPlan> =>
      this.#record(source.batch, sourceLength, targetLength, wanted);
    return this.#forwards.share(key, record, async (recorded) => {
      const { plan } = recorded;
      plan.write(recorded.source.ids, padRows(source, sourceLength));
      plan.write(recorded.source.mask, padRows(sourceMask, sourceLength));
      plan.write(recorded.target.ids, padRows(target, targetLength));
      plan.write(recorded.target.mask, padRows(targetMask, targetLength));
      if (labels !== undefined) {
        plan.write(recorded.labels, padRows(labels, targetLength, ignoredLabel));
      }
      const [batch, S, T] = [source.batch, source.length, target.length];
      const output: ModelOutput = {};
      const reader = new OutputReader();
      const list = (tensors: readonly Tensor[] | undefined, shape: readonly number[]) => {
        const results: { data: Float32Array; shape: readonly number[] }[] = [];
        for (const tensor of tensors ?? []) reader.add(tensor, shape, (t) => results.push(t));
        return results;
      };
      reader.add(recorded.logits, [batch, T, targetVocabulary], (t) => (output.logits = t));
      reader.add(recorded.hidden, [batch, T, dModel], (t) => (output.lastHiddenState = t));
      reader.add(recorded.memory, [batch, S, dModel], (t) => (output.encoderLastHiddenState = t));
      if (recorded.loss !== undefined) {
        reader.add(recorded.loss, recorded.loss.shape, (t) => (output.loss = meanLoss(t.data, labels)));
      }
      const { encoderWatch, decoderWatch } = recorded;
      if (wanted.hiddenStates) {
        output.encoderHiddenStates = list(encoderWatch.hiddenStates, [batch, S, dModel]);
        output.decoderHiddenStates = list(decoderWatch.hiddenStates, [batch, T, dModel]);
      }
      if (wanted.attentions) {
        const heads = (tensor: Tensor | undefined): number => tensor?.size(1) ?? 0;
        const encoderHeads = heads(encoderWatch.attentions?.[0]);
        const decoderHeads = heads(decoderWatch.attentions?.[0]);
        output.encoderAttentions = list(encoderWatch.attentions, [batch, encoderHeads, S, S]);
        output.decoderAttentions = list(decoderWatch.attentions, [batch, decoderHeads, T, T]);
        output.crossAttentions = list(decoderWatch.crossAttentions, [batch, decoderHeads, T, S]);
      }
      await reader.play(plan, options.signal);
      return output;
    });
  }

  async generate(inputs: ModelInputs, options: GenerateOptions = {}): Promise<GenerateResult> {
    const prompt = this.#prompt(inputs, options);
    const sequences = prompt.rows.map((row) => [...row]);
    for await (const { tokenIds } of this.stream(inputs, options)) {
      sequences.forEach((sequence, row) => sequence.push(tokenIds[row] ?? 0));
    }
    return { sequences };
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    refuseInputs(inputs, ['inputIds', 'attentionMask', 'decoderInputIds'], 'Generation');
    const { source, sourceMask } = this.#source(inputs);
    const prompt = this.#prompt(inputs, options);
    this.#sameBatch(source, prompt);
    const settings = this.#settings(options, prompt.length);
    throwIfAborted(options.signal);

    const sourceLength = bucket(source.length, this.#shape.maxPositions);
    const capacity = bucket(settings.maxLength);
    const key = [source.batch, sourceLength, capacity].join();
    const { item: session, release } = await this.#sessions.take(key, () =>
      GreedySession.create(this.gpu, this.#weights, {
        batch: source.batch,
        sourceLength,
        capacity,
        vocabulary: this.#shape.targetVocabulary,
        dModel: this.#shape.dModel,
      }),
    );
    try {
      session.start(padRows(source, sourceLength), padRows(sourceMask, sourceLength), settings);
      yield* greedySearch(session, prompt.rows, settings, this.gpu.tier, options.signal);
    } finally {
      release();
    }
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#sessions.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #source({ inputIds, attentionMask }: ModelInputs): { source: TokenBatch; sourceMask: TokenBatch } {
    const { sourceVocabulary, maxPositions } = this.#shape;
    const source = tokenBatch('inputIds', inputIds, 0, sourceVocabulary);
    withinPositions('inputIds', source.length, maxPositions);
    return { source, sourceMask: maskBatch('attentionMask', attentionMask, source, 'inputIds') };
  }

  /** The decoder's input: as given, or the labels moved one place to the right. */
  #target({ decoderInputIds }: ModelInputs, labels: TokenBatch | undefined): TokenBatch {
    if (decoderInputIds !== undefined || labels === undefined) {
      return tokenBatch('decoderInputIds', decoderInputIds, 0, this.#shape.targetVocabulary);
    }
    const { startToken, padToken } = this.#settings({}, 1);
    const rows = labels.rows.map((row) =>
      [startToken, ...row.slice(0, -1)].map((id) => (id < 0 ? padToken : id)),
    );
    return { ...labels, rows };
  }

  /** What each sequence starts with: the caller's decoder tokens, or the start token. */
  #prompt({ inputIds, decoderInputIds }: ModelInputs, options: GenerateOptions): TokenBatch {
    const { targetVocabulary } = this.#shape;
    if (decoderInputIds !== undefined) {
      return tokenBatch('decoderInputIds', decoderInputIds, 0, targetVocabulary);
    }
    const { batch } = tokenBatch('inputIds', inputIds, 0, this.#shape.sourceVocabulary);
    const { startToken } = this.#settings(options, 1);
    return { batch, length: 1, rows: Array.from({ length: batch }, () => [startToken]) };
  }

  #settings(options: GenerateOptions, prompt: number) {
    const { targetVocabulary: vocabulary, maxPositions } = this.#shape;
    return generationSettings(options, this.#parts.generation, prompt, { vocabulary, maxPositions });
  }

  #sameBatch(source: TokenBatch, target: TokenBatch): void {
    if (source.batch === target.batch) return;
    throw new TransformerError(
      'INPUT_INVALID',
      `inputIds has ${source.batch} rows, decoderInputIds has ${target.batch}. Pass as many of each.`,
    );
  }

  /** Records a forward pass. Lengths are padded ones; what they hold is written before each play. */
  async #record(batch: number, S: number, T: number, wanted: Wanted): Promise<ForwardPlan> {
    const recording = new Recording(this.gpu);
    try {
      const source = tokensOf(recording, 'source', batch, S);
      const target = tokensOf(recording, 'target', batch, T);
      const labels = recording.persistent('labels', [batch, T], 'u32');
      const encoderWatch = watchFor(wanted);
      const decoderWatch = watchFor(wanted);
      const memory = encode(source, this.#weights, encoderWatch);
      const remembered = remember(memory, source.mask, this.#weights);
      const hidden = decode(target, remembered, this.#weights, decoderWatch);
      const scores = logits(hidden, this.#weights);
      const loss = wanted.loss ? crossEntropy(scores, labels) : undefined;
      const watched = [...watchedBy(encoderWatch), ...watchedBy(decoderWatch)];
      const outputs = new Set([scores, hidden, memory, ...watched, ...(loss ? [loss] : [])]);
      const plan = await Plan.create(recording, [...outputs]);
      writePositions(plan, source, S);
      writePositions(plan, target, T);
      const parts = { plan, source, target, labels, memory, hidden, logits: scores, loss };
      return { ...parts, encoderWatch, decoderWatch, dispose: () => plan.dispose() };
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }
}

/** The mean over labels that count; every row of losses is padded to the list's length. */
function meanLoss(
  losses: Float32Array,
  labels: TokenBatch | undefined,
): { data: Float32Array; shape: readonly number[] } {
  const counted = (labels?.rows ?? []).flat().filter((label) => label !== ignoredLabel).length;
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  return { data: Float32Array.of(total / counted), shape: [] };
}
