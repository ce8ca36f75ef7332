// What a storage format is to the weights that are brought into it. Its layout stands in
// runtime/dtype.ts, and how kernels read it in shaders/storage.ts.

import type { Dtype } from '../../../runtime/dtype.ts';
import type { StoredDtype } from '../../../source/safetensors.ts';

/** The largest number of a format, and from where on none of its numbers is near enough. */
export interface NumberRange {
  readonly most: number;
  readonly beyond: number;
}

export interface WeightFormat {
  readonly name: Dtype;
  /** The types of stored tensors that are held in it, unless another is asked for, and how they are read. */
  readonly reads: Partial<Record<StoredDtype, (bytes: Uint8Array) => Float32Array>>;
  /** That of them whose rows are the format's own. */
  readonly same?: StoredDtype;
  /** Its range, where f32 has larger numbers. */
  readonly range?: NumberRange;
  /** Rows of so many numbers each as they lie on the GPU, but for what pads a row. */
  readonly encode: (values: Float32Array, columns: number) => ArrayBufferView;
}
