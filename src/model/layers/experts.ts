// A feed-forward network of experts, a few of which see each token ("Outrageously Large Neural Networks", Shazeer et al.,
// 2017, arXiv 1701.06538, §2; Switch Transformers, arXiv 2101.03961, for Transformers).

import type { Tensor } from '../../runtime/tensor.ts';
import { routeBySigmoid, type SigmoidRouting } from '../../shaders/experts/choose-experts.ts';
import { clampedGate, type ClampedGate } from '../../shaders/experts/clamped-gate.ts';
import { mixExperts } from '../../shaders/experts/mix-experts.ts';
import type { RoutedLayer } from '../../shaders/experts/balance-loss.ts';
import { route, type RouteOptions } from '../../shaders/experts/route.ts';
import { gated } from '../../shaders/matmul/gates/gated.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { ExpertLinear } from '../weights/expert-weights.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { expertLinear } from './expert-linear.ts';
import type { ComposedFeedForward } from './feed-forward.ts';
import { linear } from './linear.ts';

/** Plain data in public fields, as of heads. */
export class Experts implements ComposedFeedForward {
  readonly kind = 'composed';
  /** (experts, d_model) */
  readonly router: Linear;
  readonly routing: RouteOptions | SigmoidRouting;
  /** W and V of each expert: (experts · 2 · d_ff, d_model) */
  readonly inner: ExpertLinear;
  /** (experts · d_model, d_ff) */
  readonly outer: ExpertLinear;
  /** How W gates V: V behind W, or by turns with bounds. */
  readonly gate: Activation | ClampedGate;

  constructor(parts: Omit<Experts, 'kind' | 'record'>) {
    this.router = parts.router;
    this.routing = parts.routing;
    this.inner = parts.inner;
    this.outer = parts.outer;
    this.gate = parts.gate;
  }

  record(x: Tensor, residual: Tensor | undefined, onRouted?: (layer: RoutedLayer) => void): Tensor {
    const { gate, routing } = this;
    const logits = linear(x, this.router, { label: 'router' });
    const routes = 'scores' in routing ? routeBySigmoid(logits, routing) : route(logits, routing);
    onRouted?.({ logits, experts: routes.experts });
    const inner = expertLinear(x, this.inner, routes);
    const hidden = typeof gate === 'string' ? gated(inner, gate) : clampedGate(inner, gate);
    return mixExperts(expertLinear(hidden, this.outer, routes), routes, x.shape, residual);
  }
}
