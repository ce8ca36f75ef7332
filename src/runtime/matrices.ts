// Subgroup matrices: what a device multiplies at once. They are an experiment of Chromium's and Dawn's, so they are
// used only where they are asked for.

/** The feature to ask for in `features`. */
export const matrixFeature = 'chromium-experimental-subgroup-matrix';
/** What kernels need beside it. */
const needed = ['subgroups', 'shader-f16'];

/** A product of M × K and K × N numbers of f16 that is added up in f32 by the lanes of a subgroup. */
export interface Matrices {
  /** Rows of the first factor and of the product. */
  readonly M: number;
  /** Columns of the second factor and of the product. */
  readonly N: number;
  /** Columns of the first factor, rows of the second. */
  readonly K: number;
  /** The lanes of a subgroup. */
  readonly lanes: number;
}

/** What drivers say of a product; WebGPU's types do not know it yet. */
interface Config {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** The features that a list of them stands for: with matrices comes what they need. */
export function withNeeded(features: readonly string[]): readonly string[] {
  return features.includes(matrixFeature) ? [...features, ...needed] : features;
}

/**
 * The largest product that the kernels can use; undefined where there is none, or where subgroups have no fixed
 * size, since the tiles depend on it.
 */
export function matricesOf(
  features: readonly string[],
  info: GPUAdapterInfo | undefined,
): Matrices | undefined {
  const { subgroupMinSize: lanes = 0, subgroupMaxSize = 0 } = info ?? {};
  if (![matrixFeature, ...needed].every((name) => features.includes(name))) return undefined;
  if (lanes < 4 || lanes !== subgroupMaxSize || lanes > 64) return undefined;
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: readonly Config[] };
  const sides = [8, 16];
  const usable = [...subgroupMatrixConfigs].filter(
    ({ M, N, K, componentType, resultComponentType }) =>
      componentType === 'f16' &&
      resultComponentType === 'f32' &&
      [M, N, K].every((side) => sides.includes(side)),
  );
  const [best] = usable.toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return best && { M: best.M, N: best.N, K: best.K, lanes };
}
