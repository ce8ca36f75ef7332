// Which experts see which tokens (Shazeer et al., 2017, "Outrageously Large Neural Networks", arXiv 1701.06538, §2).

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const routeForms = rowKernel({
  name: 'route-tokens',
  code: [
    workgroup,
    numbers,
    { file: 'route-tokens.wgsl', text: late(() => import('./route-tokens.wgsl?raw')) },
  ],
  bindings: { logits: 'read', experts: 'write', shares: 'write' },
  params: { rows: 'u32', experts: 'u32', chosen: 'u32' },
  constants: { AMONG_CHOSEN: [false, true] },
});

const groupKernel = kernel({
  name: 'group-tokens',
  code: [
    workgroup,
    { file: 'group-tokens.wgsl', text: late(() => import('./group-tokens.wgsl?raw')) },
  ],
  bindings: { chosen: 'read', starts: 'write', order: 'write' },
  params: { choices: 'u32', experts: 'u32' },
});

export const routeKernels: readonly Kernel[] = [...allForms(routeForms), groupKernel];

/** The experts of tokens; choices are numbered token by token. */
export interface Routes {
  /** u32 (tokens, chosen), the largest logit first */
  readonly experts: Tensor;
  /** (tokens, chosen): what each counts */
  readonly shares: Tensor;
  /** u32 (experts + 1): where the choices of each expert begin in `order` */
  readonly starts: Tensor;
  /** u32 (tokens · chosen): choices by experts */
  readonly order: Tensor;
}

/** `chosen`: experts of a token; `amongChosen`: whether their shares come to 1, and not those of all. */
export interface RouteOptions {
  readonly chosen: number;
  readonly amongChosen: boolean;
}

export type RouteEntry = Traced<
  'route-tokens',
  Pick<Routes, 'experts' | 'shares'> & { readonly logits: Tensor; readonly amongChosen: boolean }
>;

/** Chooses experts by their logits, (…, experts). */
export function route(logits: Tensor, { chosen, amongChosen }: RouteOptions): Routes {
  const { recording } = logits;
  const count = logits.size(-1);
  if (!(chosen <= count)) throw new RangeError(`route: ${chosen} of ${count} experts`);
  const rows = elements(logits.shape) / count;
  const experts = recording.transient('experts', [rows, chosen], 'u32');
  const shares = recording.transient('shares of experts', [rows, chosen]);
  recording.dispatch({
    ...rowForm(routeForms, recording.gpu, rows),
    bindings: { logits, experts, shares },
    params: { rows, experts: count, chosen },
    constants: { AMONG_CHOSEN: amongChosen },
  });
  recording.differentiate({
    op: 'route-tokens',
    output: shares,
    inputs: [logits],
    trace: { logits, experts, shares, amongChosen },
  } satisfies RouteEntry);
  return { experts, shares, ...groupTokens(experts, count) };
}

/** Puts the choices of tokens, u32 (tokens, chosen), in the order of `count` experts. */
export function groupTokens(experts: Tensor, count: number): Pick<Routes, 'starts' | 'order'> {
  const { recording } = experts;
  const choices = elements(experts.shape);
  const starts = recording.transient('starts of experts', [count + 1], 'u32');
  const order = recording.transient('choices by experts', [choices], 'u32');
  recording.dispatch({
    kernel: groupKernel,
    bindings: { chosen: experts, starts, order },
    params: { choices, experts: count },
    workgroups: Math.ceil((count + 1) / 64),
  });
  return { starts, order };
}
