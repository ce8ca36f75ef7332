// What all trainable models have in common.

import { requireObject, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Plan } from '../runtime/plan.ts';
import { show } from '../runtime/print.ts';
import { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { valueLoss } from '../shaders/loss/value-loss.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import type { JsonObject } from '../source/json.ts';
import type { Head, HeadBatch } from '../model/heads/head.ts';
import type { CheckedInput, InputStage } from '../model/inputs/input-stage.ts';
import type { TokenBatch } from '../model/inputs/inputs.ts';
import type { LoadedParts, Model, ModelInputs } from '../model/model.ts';
import type { SentenceHead } from '../model/sentence-layers.ts';
import type { PendingLogits } from '../model/layers/logits.ts';
import {
  type Adapt,
  cannotTrain,
  type Stacks,
  type TrainingBatch,
  type TrainingGraph,
} from '../model/trainable-model.ts';
import type { ExpertLinear } from '../model/weights/expert-weights.ts';
import type { Linear } from '../model/weights/linear-weights.ts';
import type { Parameters, WeightSlice } from '../model/weights/parameters.ts';
import { recordLossOf } from './head-losses.ts';
import { adaptWeights, weightsIn } from './weight-structures.ts';

/** A checked batch, and the lengths that it is padded to. */
export interface PaddedBatch<Checked> extends TrainingBatch {
  readonly checked: Checked;
  readonly batch: number;
  /** Of each stack. */
  readonly lengths: readonly number[];
}

interface PaddingOptions {
  readonly most: number;
  readonly multiple: number;
  readonly labels?: number | undefined;
}

/** What is trained of every model. */
export abstract class TrainableParts<Checked extends HeadBatch, Definition> {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly generation: JsonObject;
  readonly parameters: Parameters | undefined;
  readonly slices: readonly WeightSlice[];
  readonly embeddings: readonly Tensor[];
  readonly weights: readonly Tensor[];
  readonly behindStates: readonly Tensor[] = [];
  readonly sentence: SentenceHead | undefined;
  readonly sentenceWeights: readonly Tensor[];
  readonly linears: readonly Linear[];
  readonly experts: readonly ExpertLinear[];
  readonly stacks: Stacks;
  readonly #parts: LoadedParts;
  /** All weights of the model, in whatever shape it keeps them. */
  protected readonly definition: Definition;
  readonly #remake: (parts: LoadedParts, definition: Definition) => Model;

  /**
   * `definition`: all weights of the model, in whatever shape it keeps them. `inputs`: what its stacks begin
   * with. `remake`: makes a model of the same kind.
   */
  constructor(
    parts: LoadedParts,
    definition: Definition,
    {
      inputs,
      stacks,
      remake,
    }: {
      inputs: readonly InputStage[];
      stacks: Stacks;
      remake: (parts: LoadedParts, definition: Definition) => Model;
    },
  ) {
    const { gpu, config, generation, parameters, slices, sentence } = parts;
    this.#parts = parts;
    this.definition = definition;
    this.#remake = remake;
    this.gpu = gpu;
    this.config = config;
    this.generation = generation;
    this.parameters = parameters;
    this.slices = slices;
    this.embeddings = inputs.flatMap(({ embeddings }) => embeddings?.tokens ?? []);
    const { weights, linears, experts } = weightsIn(definition);
    this.sentence = sentence;
    this.sentenceWeights = weightsIn(sentence?.layers).weights;
    this.weights = [...weights, ...this.sentenceWeights];
    this.linears = linears;
    this.experts = experts;
    this.stacks = stacks;
  }

  /** The weights of the model that are not in a part of it. */
  protected weightsBeside(part: unknown): Tensor[] {
    const own = new Set(weightsIn(part).weights);
    return weightsIn(this.definition).weights.filter((weight) => !own.has(weight));
  }

  adapted(adapt: Adapt): Model {
    return this.#made(adaptWeights(this.definition, adapt));
  }

  behindLayers(): Model {
    return this.#made(this.withoutLayers());
  }

  /** What is left of the definition without layers. */
  protected abstract withoutLayers(): Definition;

  #made(definition: Definition): Model {
    const { scope } = this.#parts;
    const own = { scope: new Scope(scope), parameters: undefined, onDispose: () => {} };
    return this.#remake({ ...this.#parts, ...own }, definition);
  }

  /**
   * Pads a batch in thought, up to `most` tokens a sequence. `stacks`: what each of them begins with. `labels`: how
   * many count, where that are not those of the head.
   * @throws TransformerError INPUT_INVALID where it has no label that counts, or no token
   */
  pad(
    checked: Checked,
    stacks: readonly CheckedInput[],
    { most, multiple, labels: others }: PaddingOptions,
  ): PaddedBatch<Checked> {
    const { classes, sequences, values } = checked.labels ?? {};
    const labels = others ?? sequences?.count ?? values?.length ?? count(classes, ignoredLabel);
    if (sequences?.impossible !== undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        `Sequence ${sequences.impossible} of the batch has more labels than its ` +
          `${sequences.steps[sequences.impossible] ?? 0} steps have room for. Leave it out, or set ` +
          'ctc_zero_infinity in config.json, so that it counts nothing.',
      );
    }
    const [source, target] = stacks;
    const batch = source?.batch ?? 0;
    const read = count(source?.mask, 0);
    if (labels === 0 || read === 0) {
      throw new TransformerError(
        'INPUT_INVALID',
        labels === 0
          ? 'No label of the batch counts: all are -100. Leave such a batch out.'
          : 'The source of the batch is all padding. Leave such a batch out.',
      );
    }
    // Images are padded to nothing.
    const lengths = stacks.map(({ length, size }) =>
      size ? length : Math.min(most, Math.ceil(length / multiple) * multiple),
    );
    // Labels of every token know better than a mask where a target ends.
    const written = classes?.length === target?.length ? labels : count(target?.mask, 0);
    const tokens = target === undefined ? read : read + written;
    const sizes = [...stacks.map(({ size }) => size), sequences?.room];
    const key = [batch, ...lengths, ...sizes].join();
    return { key, padToMultipleOf: multiple, labels, tokens, checked, batch, lengths };
  }

  /** What a trainer needs of a recorded pass. */
  graph(
    { logits, pending, labels, losses, balance, write }: RecordedPass<Checked>,
    head?: Head,
  ): TrainingGraph<PaddedBatch<Checked>> {
    const isFlags = head?.problem === 'multi_label_classification';
    if (logits && (isFlags || head?.problem === 'regression')) {
      const values = logits.recording.persistent('label values', logits.shape);
      return {
        from: { losses: valueLoss(logits, values, isFlags) },
        write(plan, { checked }) {
          write(plan, checked);
          plan.write(values, Float32Array.from(checked.labels?.values ?? []));
        },
      };
    }
    if (logits && head?.lossOf) {
      const own = recordLossOf(head.lossOf, logits);
      return {
        from: { losses: own.losses },
        write(plan, { checked }) {
          write(plan, checked);
          if (checked.labels?.sequences) own.write(plan, checked.labels.sequences);
        },
      };
    }
    const classes = labels && (pending ? { pending, labels } : logits && { logits, labels });
    const from = losses ? { losses } : classes;
    if (from === undefined) throw new RangeError('no logits');
    return { from, balance, write: (plan, { checked }) => write(plan, checked) };
  }
}

interface RecordedPass<Checked> {
  readonly logits: Tensor | undefined;
  readonly pending?: PendingLogits | undefined;
  readonly labels: Tensor | undefined;
  readonly losses?: Tensor | undefined;
  readonly balance?: Tensor | undefined;
  readonly write: (plan: Plan, batch: Checked) => void;
}

/** How many are not this one. */
function count(batch: TokenBatch | undefined, without: number): number {
  return batch?.rows.flat().filter((item) => item !== without).length ?? 0;
}

/** Refuses heads without a loss that lists compute. */
export function expectLoss(head: Head | undefined): void {
  const untrained = head === undefined ? 'A model without a head' : head.untrained;
  if (untrained !== undefined) throw cannotTrain(untrained);
  const problem = head?.problem;
  const known = ['single_label_classification', 'multi_label_classification', 'regression'];
  if (problem !== undefined && !known.some((name) => name === problem)) {
    throw cannotTrain(`A classifier with the problem_type ${show(problem)}`);
  }
}

/** Refuses to read the states of models that have several stacks. */
export function expectNoStates(read: 'states' | undefined): void {
  if (read === undefined) return;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'Losses of vectors are for models of one stack, such as encoders. Load one of those.',
  );
}

/** Refuses batches without labels, or without the places of answers where a head takes those. */
export function expectLabels(inputs: ModelInputs, head?: Head): void {
  requireObject(inputs, 'A batch');
  const names = head?.takes.length ? head.takes : (['labels'] as const);
  const missing = names.find((name) => inputs[name] === undefined);
  if (missing === undefined) return;
  throw new TransformerError(
    'INPUT_INVALID',
    missing === 'labels'
      ? 'A batch to train on needs labels: token ids or classes, -100 for those that do not count.'
      : `A batch to train on needs ${missing}: a token of each text, -100 where it has no answer.`,
  );
}

/** The parameters of a model that was loaded for training. */
export function trainableParameters({ parameters }: Pick<LoadedParts, 'parameters'>): Parameters {
  if (parameters !== undefined) return parameters;
  throw new TransformerError(
    'OPTION_INVALID',
    'The model was loaded to run, not to train. Load it with training: true, or train adapters (Lora) beside it.',
  );
}
