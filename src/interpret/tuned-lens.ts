// The translators of a tuned lens, and their file.

import { isA, TransformerError } from '../runtime/errors.ts';
import { openSource, type ModelSource } from '../source/open-source.ts';
import { describeFile } from '../source/source.ts';
import { checkWhole, invalidOption } from '../training/check.ts';
import { tensorsOf } from './tensor-file.ts';

/** An affine map, which is added to what it is given. */
interface Translator {
  /** (d, d), as (out, in). */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** A translator for what each layer is given: see `loadTunedLens`. */
export class TunedLens {
  readonly #translators: readonly Translator[];

  /** @internal */
  constructor(translators: readonly Translator[]) {
    this.#translators = translators;
  }

  /** Layers that it was trained for. */
  get layers(): number {
    return this.#translators.length;
  }

  /**
   * h + W h + b: of what layer `layer` is given, (d), or of the last layer's output as it is. `layers`: those of the model.
   * @throws TransformerError OPTION_INVALID where it was trained for another model
   */
  translate(state: Float32Array, layer: number, layers: number): Float32Array {
    if (!isA(state, Float32Array)) throw invalidOption('state', state, 'a Float32Array');
    checkWhole('layer', layer, 0);
    checkWhole('layers', layers, 1);
    const size = state.length;
    const width = this.#translators[0]?.bias.length;
    if (this.layers !== layers || width !== size) {
      throw new TransformerError(
        'OPTION_INVALID',
        `The tuned lens is of ${this.layers} layers of width ${width ?? 0}; the model has ${layers} of width ${size}.`,
      );
    }
    const translator = this.#translators[layer];
    if (translator === undefined) return state;
    const { weight, bias } = translator;
    return state.map((value, row) => {
      let sum = value + (bias[row] ?? 0);
      for (let i = 0; i < size; i++) sum += (weight[row * size + i] ?? 0) * (state[i] ?? 0);
      return sum;
    });
  }
}

const file = 'params.safetensors';

/**
 * A tuned lens from a folder: `params.safetensors` has `N.weight` (d, d) and `N.bias` (d) for what each layer N is given,
 * named as in the `params.pt` of the tuned-lens package, of which
 * `safetensors.torch.save_file(torch.load('params.pt'), 'params.safetensors')` makes it.
 * @throws TransformerError FILE_NOT_FOUND, FILE_INVALID, TENSOR_MISSING, TENSOR_MISMATCH
 */
export async function loadTunedLens(source: ModelSource): Promise<TunedLens> {
  const files = openSource(source);
  try {
    const tensors = await tensorsOf(files, file);
    const translators: Translator[] = [];
    while (tensors.has(`${translators.length}.weight`)) {
      const layer = translators.length;
      const bias = tensors.take(`${layer}.bias`, [undefined]);
      const size = bias.length;
      translators.push({ weight: tensors.take(`${layer}.weight`, [size, size]), bias });
    }
    if (translators.length > 0) return new TunedLens(translators);
    throw new TransformerError(
      'TENSOR_MISSING',
      `${describeFile(files, file)} has no tensor "0.weight", so it is no tuned lens.`,
    );
  } finally {
    files.release?.();
  }
}
