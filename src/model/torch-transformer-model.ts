// A loaded nn.Transformer: forward passes over batches of vectors.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Probe } from '../runtime/points.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import {
  type DenseTensor,
  denseTensor,
  maskBatch,
  padRows,
  type TokenBatch,
} from './inputs/inputs.ts';
import type { JsonObject } from '../source/json.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  OutputReader,
  refuseInputs,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import { cannotTrain, type TrainingHead } from './training-head.ts';
import type { TorchTransformer } from './families/torch-transformer.ts';
import { sequenceStack } from './layers/sequence-stack.ts';
import { recall, remember } from './layers/cross-attention.ts';
import { pointsOf, shownStates } from './layers/shown-states.ts';

/** Options of a PyTorch Transformer's `forward`. */
export interface TorchForwardOptions extends ForwardOptions {
  /** Whether targets see only what stands before them (PyTorch's causal `tgt_mask`); true by default. */
  causal?: boolean;
}

interface TorchPlan {
  readonly plan: Plan;
  readonly source: Tensor;
  readonly sourceMask: Tensor;
  readonly target: Tensor;
  readonly targetMask: Tensor;
  readonly memory: Tensor;
  readonly output: Tensor;
  /** Tensors at named points. */
  readonly probe: Probe;
  dispose(): void;
}

/** A loaded nn.Transformer. Its hidden states are the layers' own outputs, before the last norm. */
export class TorchTransformerModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number = Infinity;
  readonly #parts: LoadedParts;
  readonly #model: TorchTransformer;
  readonly #plans = new PlanCache<TorchPlan>(8);

  constructor(parts: LoadedParts, model: TorchTransformer) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.#parts = parts;
    this.#model = model;
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  /** inputsEmbeds: (B, S, d_model), decoderInputsEmbeds: (B, T, d_model), with their masks. */
  async forward(inputs: ModelInputs, options: TorchForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal', 'causal'], 'option of forward');
    const taken = [
      'inputsEmbeds',
      'attentionMask',
      'decoderInputsEmbeds',
      'decoderAttentionMask',
    ] as const;
    refuseInputs(inputs, taken, 'nn.Transformer');
    const source = this.#vectors('inputsEmbeds', inputs.inputsEmbeds);
    const target = this.#vectors('decoderInputsEmbeds', inputs.decoderInputsEmbeds);
    const [batch = 0, S = 0] = source.shape;
    const [targets = 0, T = 0] = target.shape;
    if (batch !== targets) {
      throw new TransformerError(
        'INPUT_INVALID',
        `inputsEmbeds has ${batch} sequences, decoderInputsEmbeds has ${targets}. Pass as many of each.`,
      );
    }
    const mask = (name: 'attentionMask' | 'decoderAttentionMask', length: number): TokenBatch => {
      const rows = Array.from({ length: batch }, () => Array<number>(length).fill(1));
      return maskBatch(name, inputs[name], { batch, length, rows }, 'its input');
    };
    const sourceMask = mask('attentionMask', S);
    const targetMask = mask('decoderAttentionMask', T);
    const { hiddenStates = false, attentions = false, causal = true, signal } = options;
    throwIfAborted(signal);

    const shown = {
      encoder: shownStates(this.#model.encoder, { hiddenStates, attentions }, 'encoder.'),
      decoder: shownStates(this.#model.decoder, { hiddenStates, attentions }, 'decoder.'),
    };
    const key = [batch, S, T, causal, hiddenStates, attentions].join();
    const record = (): Promise<TorchPlan> => {
      assertCurrent(this.#parts);
      return this.#record({ batch, S, T, causal }, pointsOf(shown.encoder, shown.decoder));
    };
    return this.#plans.share(key, record, async (recorded) => {
      const { plan, probe } = recorded;
      plan.write(recorded.source, Float32Array.from(source.data));
      plan.write(recorded.sourceMask, padRows(sourceMask, S));
      plan.write(recorded.target, Float32Array.from(target.data));
      plan.write(recorded.targetMask, padRows(targetMask, T));
      const output: ModelOutput = {};
      const reader = new OutputReader();
      reader.add(recorded.output, recorded.output.shape, (t) => (output.lastHiddenState = t));
      reader.add(
        recorded.memory,
        recorded.memory.shape,
        (t) => (output.encoderLastHiddenState = t),
      );
      if (hiddenStates) {
        output.encoderHiddenStates = reader.list(probe.tensors(shown.encoder.hiddenStates));
        output.decoderHiddenStates = reader.list(probe.tensors(shown.decoder.hiddenStates));
      }
      if (attentions) {
        output.encoderAttentions = reader.list(probe.tensors(shown.encoder.attentions));
        output.decoderAttentions = reader.list(probe.tensors(shown.decoder.attentions));
        output.crossAttentions = reader.list(probe.tensors(shown.decoder.crossAttentions));
      }
      await reader.play(plan, signal);
      return output;
    });
  }

  async generate(): Promise<never> {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'nn.Transformer has no vocabulary, so it cannot generate. Use forward, or a Marian checkpoint.',
    );
  }

  async generateTogether(): Promise<never> {
    return this.generate();
  }

  async *stream(): AsyncGenerator<never> {
    yield await this.generate();
  }

  trainingHead(): TrainingHead {
    throw cannotTrain('nn.Transformer');
  }

  dispose(): void {
    this.#plans.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #vectors(name: string, value: unknown): DenseTensor {
    const tensor = denseTensor(name, value, 3);
    if (tensor.shape[2] === this.#model.dModel) return tensor;
    throw new TransformerError(
      'INPUT_INVALID',
      `${name} has vectors of ${tensor.shape[2]}; this model's d_model is ${this.#model.dModel}.`,
    );
  }

  async #record(
    { batch, S, T, causal }: { batch: number; S: number; T: number; causal: boolean },
    points: readonly string[],
  ): Promise<TorchPlan> {
    const { dModel, encoder, decoder } = this.#model;
    const probe = new Probe(points);
    const recording = new Recording(this.gpu, { points: probe });
    try {
      const source = recording.persistent('source', [batch, S, dModel]);
      const sourceMask = recording.persistent('source mask', [batch, S], 'u32');
      const target = recording.persistent('target', [batch, T, dModel]);
      const targetMask = recording.persistent('target mask', [batch, T], 'u32');
      const memory = recording.within('encoder', () =>
        sequenceStack(source, encoder, { mask: sourceMask, causal: false }),
      );
      const known = remember(memory, sourceMask, decoder);
      const output = recording.within('decoder', () =>
        sequenceStack(target, decoder, {
          mask: targetMask,
          cross: recall(known),
          causal,
        }),
      );
      const results = new Set([output, memory, ...probe.tensors(points)]);
      const plan = await Plan.create(recording, [...results]);
      const inputs = { source, sourceMask, target, targetMask };
      return { plan, ...inputs, memory, output, probe, dispose: () => plan.dispose() };
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }
}
