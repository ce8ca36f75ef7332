// A forward pass of a model of one stack, recorded for one batch size and one padded length.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Probe } from '../runtime/points.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { SequenceDefinition } from './definitions.ts';
import type { Tokens } from './layers/embeddings.ts';
import { padRows } from './inputs/inputs.ts';
import { type ModelOutput, OutputReader } from './model.ts';
import { type SequenceGraph, sequenceGraph } from './sequence-graph.ts';
import { lastTokens, type SequenceTokens } from './inputs/sequence-inputs.ts';
import { stretchRotary } from './layers/stretched-rotary.ts';
import { tokensOf } from './inputs/token-inputs.ts';
import { pointsOf, shownStates } from './layers/shown-states.ts';

/** What a list is recorded for. */
export interface SequenceShape {
  readonly batch: number;
  /** Padded. */
  readonly length: number;
  readonly hiddenStates: boolean;
  readonly attentions: boolean;
}

/** What a list takes its sequences from. */
export interface SequenceInputTensors {
  readonly tokens: Tokens;
  readonly firsts: Tensor;
  readonly lasts: Tensor;
}

export function sequenceInputTensors(
  recording: Recording,
  { types }: SequenceDefinition,
  { batch, length }: Pick<SequenceShape, 'batch' | 'length'>,
): SequenceInputTensors {
  const tokens = tokensOf(recording, 'input', batch, length);
  const typed = types > 0 && {
    types: recording.persistent('input types', [batch, length], 'u32'),
  };
  return {
    tokens: { ...tokens, ...typed },
    firsts: recording.persistent('first tokens', [batch], 'u32'),
    lasts: recording.persistent('last tokens', [batch], 'u32'),
  };
}

/** Writes checked sequences, padded to the list's length. */
export function writeSequenceInputs(
  plan: Plan,
  { tokens, firsts, lasts }: SequenceInputTensors,
  { ids, mask, types, positions }: SequenceTokens,
  { padToken, rotary = [] }: { padToken: unknown; rotary?: SequenceDefinition['rotary'] },
): void {
  const length = tokens.ids.size(1);
  plan.write(tokens.ids, padRows(ids, length));
  plan.write(tokens.mask, padRows(mask, length));
  if (tokens.types !== undefined) plan.write(tokens.types, padRows(types, length));
  const places = padRows(positions, length);
  plan.write(
    tokens.place,
    Uint32Array.from({ length: 2 * places.length }, (_, i) =>
      i % 2 === 0 ? (places[i >> 1] ?? 0) : (i >> 1) % length,
    ),
  );
  plan.write(
    firsts,
    Uint32Array.from(ids.rows, (_, row) => row * length),
  );
  plan.write(
    lasts,
    Uint32Array.from(lastTokens(ids, padToken), (last, row) => row * length + last),
  );
  const last = positions.rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);
  stretchRotary(plan.recording.gpu, rotary, last + 1);
}

/** What was asked for, and where it stands in the list. */
interface Shown extends Pick<SequenceShape, 'hiddenStates' | 'attentions'> {
  readonly states: readonly Tensor[];
  readonly weights: readonly Tensor[];
}

export class SequencePlan {
  readonly #plan: Plan;
  readonly #definition: SequenceDefinition;
  readonly #inputs: SequenceInputTensors;
  readonly #graph: SequenceGraph;
  readonly #shown: Shown;

  private constructor(
    plan: Plan,
    definition: SequenceDefinition,
    recorded: { inputs: SequenceInputTensors; graph: SequenceGraph; shown: Shown },
  ) {
    this.#plan = plan;
    this.#definition = definition;
    this.#inputs = recorded.inputs;
    this.#graph = recorded.graph;
    this.#shown = recorded.shown;
  }

  static async create(
    gpu: Gpu,
    definition: SequenceDefinition,
    shape: SequenceShape,
  ): Promise<SequencePlan> {
    const points = shownStates(definition.stack, shape);
    const probe = new Probe(pointsOf(points));
    const recording = new Recording(gpu, { points: probe });
    try {
      const inputs = sequenceInputTensors(recording, definition, shape);
      const graph = sequenceGraph(inputs.tokens, inputs, definition);
      const hiddenStates = probe.tensors(points.hiddenStates);
      const attentions = probe.tensors(points.attentions);
      const { hidden, pooled, logits } = graph;
      const results = [hidden, pooled, logits, ...hiddenStates, ...attentions];
      const outputs = [...new Set(results.filter((tensor) => tensor !== undefined))];
      const plan = await Plan.create(recording, outputs);
      return new SequencePlan(plan, definition, {
        inputs,
        graph,
        shown: { ...shape, states: hiddenStates, weights: attentions },
      });
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  async play(
    tokens: SequenceTokens,
    padToken: unknown,
    signal: AbortSignal | undefined,
  ): Promise<ModelOutput> {
    const { rotary, head } = this.#definition;
    writeSequenceInputs(this.#plan, this.#inputs, tokens, { padToken, ...(rotary && { rotary }) });
    const { hidden, pooled, logits } = this.#graph;
    const [batch, T] = [tokens.ids.batch, tokens.ids.length];
    const states = [batch, T, hidden.size(-1)];
    const output: ModelOutput = {};
    const reader = new OutputReader();
    reader.add(hidden, states, (t) => (output.lastHiddenState = t));
    if (pooled !== undefined) reader.add(pooled, pooled.shape, (t) => (output.poolerOutput = t));
    if (logits !== undefined) {
      const columns = logits.size(-1);
      const shape = head?.kind === 'sequence' ? [batch, columns] : [batch, T, columns];
      reader.add(logits, shape, (t) => {
        if (head?.kind !== 'span') output.logits = t;
        else {
          const column = (first: number) => t.data.filter((_, i) => i % 2 === first);
          output.startLogits = { data: column(0), shape: [batch, T] };
          output.endLogits = { data: column(1), shape: [batch, T] };
        }
      });
    }
    const shown = this.#shown;
    if (shown.hiddenStates) output.hiddenStates = reader.list(shown.states, states);
    if (shown.attentions) {
      const heads = shown.weights[0]?.size(1) ?? 0;
      output.attentions = reader.list(shown.weights, [batch, heads, T, T]);
    }
    await reader.play(this.#plan, signal);
    return output;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
