// What attention leaves on the tape for its gradient.

import type { Tensor } from '../../runtime/tensor.ts';
import type { Traced } from '../traces.ts';

export type AttentionEntry = Traced<
  'attention',
  {
    /** The tensors that hold q, k and v in their columns. */
    readonly q: Tensor;
    readonly k: Tensor;
    readonly v: Tensor;
    readonly keyMask: Tensor;
    readonly lse: Tensor;
    readonly params: Readonly<
      Record<
        | ('batches' | 'heads' | 'queries' | 'keys' | 'head_size' | 'scale')
        | ('q_pitch' | 'q_start' | 'k_pitch' | 'k_start' | 'v_pitch' | 'v_start')
        | ('site' | 'drop_below' | 'keep_scale' | 'group'),
        number
      >
    >;
    readonly constants: Readonly<
      Record<'CAUSAL' | 'DROPOUT' | 'CACHED' | 'WINDOWED' | 'SOFTCAP' | 'HAS_BIAS', boolean>
    >;
  }
>;
