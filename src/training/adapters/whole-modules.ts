// Modules that train whole beside low-rank updates, a new classifier say: PEFT's `modules_to_save`.

import type { Gpu } from '../../runtime/gpu.ts';
import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { Plan } from '../../runtime/plan.ts';
import { show } from '../../runtime/print.ts';
import { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { TrainableModel } from '../../model/trainable-model.ts';
import type { WeightSlice } from '../../model/weights/parameters.ts';
import { lora } from '../../shaders/matmul/adapters/lora.ts';
import type { AdaptableLayer } from './lora-targets.ts';
import { type NamePattern, testOf } from '../trainable.ts';

/** Modules, and their weights in the model by the names that these have in PEFT's files. */
export interface WholeModules {
  readonly names: readonly string[];
  readonly slices: readonly WeightSlice[];
}

/** The name of a tensor of the model in an adapter's file. */
export function wholeName(name: string): string {
  return `base_model.model.${name}`;
}

/**
 * The modules whose names fit one of the patterns, with all that is in them; each pattern must fit at least one.
 * @throws TransformerError OPTION_INVALID, MODEL_UNSUPPORTED for modules that cannot be told from others
 */
export function selectModules(
  model: TrainableModel,
  patterns: readonly NamePattern[],
): WholeModules {
  const all = namedSlices(model);
  const known = patterns.length === 0 ? [] : moduleNames(model);
  const names = new Set<string>();
  for (const pattern of patterns) {
    const fitting = known.filter(testOf(pattern));
    if (fitting.length === 0) {
      const nearest = nearestName(String(pattern), known);
      throw new TransformerError(
        'OPTION_INVALID',
        `modulesToSave: no module has a name like ${show(String(pattern))}.` +
          (nearest === undefined
            ? ` One of them is "${known[0] ?? ''}".`
            : ` Did you mean "${nearest}"?`),
      );
    }
    fitting.forEach((name) => names.add(name));
  }
  const isIn = ({ name }: WeightSlice): boolean =>
    modulesAround(name).some((module) => names.has(module));
  const slices = all.filter(isIn);
  const tensors = new Set(slices.map(({ tensor }) => tensor));
  const other = all.find((slice) => tensors.has(slice.tensor) && !isIn(slice));
  if (other !== undefined) {
    const { name = '' } = slices.find(({ tensor }) => tensor === other.tensor) ?? {};
    throw refused(name, `it stands in one matrix with "${other.name}". Adapt it with targets`);
  }
  for (const { name, tensor, order } of slices) {
    const isTied = model.linears.some(({ weight }) => weight === tensor);
    if (isTied && model.embeddings.includes(tensor)) {
      throw refused(name, 'it is both an embedding and an output layer. Leave it out');
    }
    if (tensor.parts !== undefined || order !== undefined) {
      throw refused(name, 'it is held in pieces or in an order of its own. Adapt it with targets');
    }
  }
  return { names: [...names].toSorted(), slices };
}

/** Refuses layers with updates in modules that train whole. @throws TransformerError OPTION_INVALID */
export function expectApart(layers: readonly AdaptableLayer[], { slices }: WholeModules): void {
  const tensors = new Set(slices.map(({ tensor }) => tensor));
  const both = layers.find(({ pieces }) => pieces.some(({ tensor }) => tensors.has(tensor)));
  if (both === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `"${both.name}" is among targets and in modulesToSave. Name it in one of them.`,
  );
}

function refused(name: string, why: string): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `modulesToSave: "${name}" cannot train whole: ${why}.`,
  );
}

/** The names of all modules that a tensor is in, the outermost first. */
export function modulesAround(tensor: string): string[] {
  const parts = tensor.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

/** The names of all modules of a model that hold weights. */
export function moduleNames(model: TrainableModel): string[] {
  return [...new Set(namedSlices(model).flatMap(({ name }) => modulesAround(name)))];
}

/** The weights of a model by the names in its class, which a file may have in part only. */
function namedSlices({ slices, linears, embeddings }: TrainableModel): WeightSlice[] {
  const names = new Map<Tensor, Map<number, string>>();
  for (const { weight, bias, parts } of linears) {
    const put = (tensor: Tensor, kind: string, width: number): void => {
      const own = parts.map(({ name, first }) => [first * width, `${name}.${kind}`] as const);
      names.set(tensor, new Map(own));
    };
    if (!embeddings.includes(weight)) put(weight, 'weight', weight.size(-1));
    if (bias !== undefined) put(bias, 'bias', 1);
  }
  return slices.map((slice) => {
    const name = names.get(slice.tensor)?.get(slice.first) ?? slice.name;
    return { ...slice, name };
  });
}

/** The values of weights in f32, whatever format they are held in. */
export async function plainValues(
  gpu: Gpu,
  weights: readonly Tensor[],
): Promise<Map<Tensor, Float32Array>> {
  const recording = new Recording(gpu);
  try {
    const nothing = recording.persistent('no update', [1, 1]);
    const plain = weights.map((weight) => lora(weight, nothing, { scale: 0 }));
    const outputs = await (await Plan.create(recording, plain)).play();
    return new Map(
      weights.map((weight, i) => [weight, new Float32Array(outputs[i] ?? new ArrayBuffer(0))]),
    );
  } finally {
    recording.dispose();
  }
}
