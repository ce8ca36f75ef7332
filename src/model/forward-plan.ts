// A forward pass of an encoder–decoder model, recorded for one batch size and one pair of padded
// lengths. Token ids, masks and labels are written before each play.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Probe } from '../runtime/points.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { crossEntropy, ignoredLabel } from '../shaders/loss/cross-entropy.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
import type { ForwardTokens } from './inputs/encoder-decoder-inputs.ts';
import type { DenseTensor, TokenBatch } from './inputs/inputs.ts';
import { logits } from './layers/logits.ts';
import { type ModelOutput, OutputReader } from './model.ts';
import { applyLayers } from './sequence-graph.ts';
import {
  type SequenceInputs,
  sequenceInputs,
  writePositions,
  writeSequences,
} from './inputs/token-inputs.ts';
import { pointsOf, type ShownStates, shownStates } from './layers/shown-states.ts';
import { remember } from './layers/cross-attention.ts';
import { decode, encode } from './layers/transformer.ts';

/** What a list is recorded for. Lengths are padded ones. */
export interface ForwardShape {
  readonly batch: number;
  readonly sourceLength: number;
  readonly targetLength: number;
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
  readonly loss: boolean;
}

interface Recorded extends SequenceInputs {
  readonly memory: Tensor;
  readonly hidden: Tensor;
  readonly logits: Tensor;
  readonly loss: Tensor | undefined;
  /** Of a classifier: the row of each target's last end token, u32 (B). */
  readonly ends: Tensor | undefined;
  readonly encoder: ShownStates;
  readonly decoder: ShownStates;
  readonly probe: Probe;
}

export class ForwardPlan {
  readonly #plan: Plan;
  readonly #shape: ForwardShape;
  readonly #recorded: Recorded;

  private constructor(plan: Plan, shape: ForwardShape, recorded: Recorded) {
    this.#plan = plan;
    this.#shape = shape;
    this.#recorded = recorded;
  }

  static async create(
    gpu: Gpu,
    model: EncoderDecoderDefinition,
    shape: ForwardShape,
  ): Promise<ForwardPlan> {
    const { weights } = model;
    const encoder = shownStates(weights.encoder, shape, 'encoder.');
    const decoder = shownStates(weights.decoder, shape, 'decoder.');
    const points = pointsOf(encoder, decoder);
    const probe = new Probe(points);
    const recording = new Recording(gpu, { points: probe });
    try {
      const recorded = { ...record(recording, model, shape), encoder, decoder, probe };
      const { memory, hidden, loss } = recorded;
      const shown = probe.tensors(points);
      const results = [recorded.logits, hidden, memory, ...(loss ? [loss] : []), ...shown];
      // A stack's last hidden state is also the last one that is shown.
      const plan = await Plan.create(recording, [...new Set(results)]);
      writePositions(plan, recorded.source);
      writePositions(plan, recorded.target);
      return new ForwardPlan(plan, shape, recorded);
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  async play(tokens: ForwardTokens, signal: AbortSignal | undefined): Promise<ModelOutput> {
    writeSequences(this.#plan, this.#recorded, tokens);
    const { ends } = this.#recorded;
    if (ends !== undefined) {
      const { targetLength } = this.#shape;
      const rows = tokens.ends?.map((end, row) => row * targetLength + end);
      this.#plan.write(ends, Uint32Array.from(rows ?? []));
    }
    const { hiddenStates, attentions } = this.#shape;
    const { encoder, decoder, probe, memory, hidden, loss } = this.#recorded;
    const [batch, S, T] = [tokens.source.batch, tokens.source.length, tokens.target.length];
    const [labels, dModel] = [this.#recorded.logits.size(-1), hidden.size(-1)];
    const logitsShape = ends === undefined ? [batch, T, labels] : [batch, labels];
    const output: ModelOutput = {};
    const reader = new OutputReader();
    reader.add(this.#recorded.logits, logitsShape, (t) => (output.logits = t));
    reader.add(hidden, [batch, T, dModel], (t) => (output.lastHiddenState = t));
    reader.add(memory, [batch, S, dModel], (t) => (output.encoderLastHiddenState = t));
    if (loss !== undefined) {
      reader.add(loss, loss.shape, (t) => (output.loss = meanLoss(t.data, tokens.labels)));
    }
    if (hiddenStates) {
      const states = ({ hiddenStates: paths }: ShownStates, length: number) =>
        reader.list(probe.tensors(paths), [batch, length, dModel]);
      output.encoderHiddenStates = states(encoder, S);
      output.decoderHiddenStates = states(decoder, T);
    }
    if (attentions) {
      const perHead = (paths: readonly string[], rows: number, columns: number) => {
        const tensors = probe.tensors(paths);
        return reader.list(tensors, [batch, tensors[0]?.size(1) ?? 0, rows, columns]);
      };
      output.encoderAttentions = perHead(encoder.attentions, S, S);
      output.decoderAttentions = perHead(decoder.attentions, T, T);
      output.crossAttentions = perHead(decoder.crossAttentions, T, S);
    }
    await reader.play(this.#plan, signal);
    return output;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}

function record(
  recording: Recording,
  { weights, classifier }: EncoderDecoderDefinition,
  shape: ForwardShape,
): Omit<Recorded, 'encoder' | 'decoder' | 'probe'> {
  const { source, target, labels } = sequenceInputs(recording, shape);
  const memory = encode(source, weights);
  const hidden = decode(target, remember(memory, source.mask, weights.decoder), weights);
  const ends = classifier && recording.persistent('ends', [shape.batch], 'u32');
  const scores =
    classifier && ends
      ? applyLayers(embedding(ends, hidden), classifier.layers)
      : logits(hidden, weights);
  const loss = shape.loss ? crossEntropy(scores, labels) : undefined;
  return {
    source,
    target,
    labels,
    memory,
    hidden,
    logits: scores,
    loss,
    ends,
  };
}

/** The mean over labels that count; the rows that fill up the list's length have none. */
function meanLoss(losses: Float32Array, labels: TokenBatch | undefined): DenseTensor {
  const counted = (labels?.rows ?? []).flat().filter((label) => label !== ignoredLabel).length;
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  return { data: Float32Array.of(total / counted), shape: [] };
}
