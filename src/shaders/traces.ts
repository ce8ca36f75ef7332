// What operations leave on the tape for their gradients. The rules that read it stand in *-gradient.ts,
// which inference does not import.

import type { InputGradient, TapeEntry } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Product } from './matmul/matmul-kernels.ts';

type Numbers<Names extends string> = Readonly<Record<Names, number>>;

/** Tensors and scalars as the forward pass had them, by operation. */
export interface Traces {
  readonly activate: {
    readonly x: Tensor;
    readonly params: Numbers<'size'>;
    readonly constants: Numbers<'ACTIVATION'>;
  };
  readonly attention: {
    /** The tensors that hold q, k and v in their columns. */
    readonly q: Tensor;
    readonly k: Tensor;
    readonly v: Tensor;
    readonly keyMask: Tensor;
    readonly lse: Tensor;
    readonly params: Numbers<
      | ('batches' | 'heads' | 'queries' | 'keys' | 'head_size' | 'scale')
      | ('q_pitch' | 'q_start' | 'k_pitch' | 'k_start' | 'v_pitch' | 'v_start')
      | ('site' | 'drop_below' | 'keep_scale' | 'group')
    >;
    readonly constants: Readonly<
      Record<'CAUSAL' | 'DROPOUT' | 'CACHED' | 'WINDOWED' | 'SOFTCAP' | 'HAS_BIAS', boolean>
    >;
  };
  readonly 'cross-entropy': {
    readonly x: Tensor;
    readonly label: Tensor;
    readonly params: Numbers<'rows' | 'columns' | 'smoothing'>;
  };
  readonly 'distillation-loss': {
    readonly x: Tensor;
    readonly teacher: Tensor;
    readonly label: Tensor;
    readonly params: Numbers<'rows' | 'columns' | 'temperature' | 'weight' | 'smoothing'>;
  };
  readonly dropout: {
    readonly x: Tensor;
    readonly residual: Tensor | undefined;
    readonly params: Numbers<'size' | 'site' | 'drop_below' | 'keep_scale'>;
  };
  readonly embedding: {
    readonly ids: Tensor;
    readonly table: Tensor;
    readonly scale: number;
    readonly position: Tensor | undefined;
    readonly positions: Tensor | undefined;
    readonly offset: number;
  };
  readonly gated: {
    readonly x: Tensor;
    readonly params: Numbers<'rows' | 'columns'>;
    readonly constants: Numbers<'ACTIVATION'>;
  };
  readonly 'layer-norm': {
    readonly x: Tensor;
    readonly residual: Tensor | undefined;
    readonly weight: Tensor;
    readonly bias: Tensor;
    /** x + residual, where there is one. */
    readonly sum: Tensor | undefined;
    readonly label: string;
    readonly params: Numbers<'rows' | 'columns' | 'eps'>;
  };
  readonly lora: {
    readonly weight: Tensor;
    readonly delta: Tensor;
    readonly params: Numbers<'columns' | 'first' | 'count' | 'left' | 'width' | 'scale'>;
  };
  readonly matmul: Omit<Product, 'y' | 'activation' | 'gated'>;
  readonly rescale: { readonly x: Tensor; readonly factor: number; readonly bounded: boolean };
  readonly 'rms-norm': {
    readonly x: Tensor;
    readonly residual: Tensor | undefined;
    readonly weight: Tensor;
    /** x + residual, where there is one. */
    readonly sum: Tensor | undefined;
    readonly label: string;
    readonly params: Numbers<'rows' | 'columns' | 'eps' | 'offset'>;
  };
}

/** An operation on the tape with its trace: `recording.differentiate({ … } satisfies Traced<…>)`. */
export type Traced<Op extends keyof Traces> = TapeEntry & {
  readonly op: Op;
  readonly trace: Traces[Op];
};

/** How the gradient of an operation's output passes back to its inputs. */
export type Rule<Op extends keyof Traces> = (
  entry: Traced<Op>,
  gradient: Tensor,
) => readonly InputGradient[];
