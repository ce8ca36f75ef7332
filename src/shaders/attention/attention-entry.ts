// What attention leaves on the tape for its gradient.

import type { Tensor } from '../../runtime/tensor.ts';
import type { PositionScores } from './positions/attention-positions.ts';
import type { Traced } from '../traces.ts';
import type { scoreParams, scoreSwitches } from './attention-score.ts';

export type AttentionEntry = Traced<
  'attention',
  {
    /** The tensors that hold q, k and v in their columns. */
    readonly q: Tensor;
    readonly k: Tensor;
    readonly v: Tensor;
    readonly keyMask: Tensor;
    readonly lse: Tensor;
    /** What the scores are made of besides, by the switches below. */
    readonly bias: Tensor | undefined;
    /** Relative positions that are compared with, whose table the bias is then. */
    readonly positions: PositionScores | undefined;
    readonly params: Readonly<
      Record<
        | ('batches' | 'heads' | 'queries' | 'keys' | 'head_size')
        | ('q_pitch' | 'q_start' | 'k_pitch' | 'k_start' | 'v_pitch' | 'v_start')
        | ('site' | 'drop_below' | 'keep_scale')
        | keyof typeof scoreParams,
        number
      >
    >;
    readonly constants: Readonly<
      Record<'CAUSAL' | 'DROPOUT' | 'CACHED' | keyof typeof scoreSwitches, boolean>
    >;
  }
>;
