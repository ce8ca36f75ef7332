// Experts beside a feed-forward network, Gemma 4: both see what attention left, each behind norms of its own.

import type { Config } from '../../config.ts';
import {
  type ComposedFeedForward,
  feedForward,
  type FeedForwardWeights,
} from '../../layers/feed-forward.ts';
import { expertLinear } from '../../layers/expert-linear.ts';
import { linear } from '../../layers/linear.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { ExpertLinear } from '../../weights/expert-weights.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { add } from '../../../shaders/elementwise/add.ts';
import { columnProduct } from '../../../shaders/elementwise/column-scale.ts';
import { scale } from '../../../shaders/elementwise/scale.ts';
import { embedding } from '../../../shaders/embedding/embedding.ts';
import { mixExperts } from '../../../shaders/experts/mix-experts.ts';
import { type Routes, route } from '../../../shaders/experts/route.ts';
import { gated } from '../../../shaders/matmul/gates/gated.ts';
import type { Activation } from '../../../shaders/matmul/matmul.ts';
import { normalize, type RmsNormWeights } from '../../../shaders/rows/norm.ts';
import { type LlamaSizes, rmsNorms } from './llama-parts.ts';

/** What experts are given their tokens by. */
interface Router {
  readonly norm: RmsNormWeights;
  /** (experts, d_model) */
  readonly linear: Linear;
  /** (experts, 1): what each counts, beside its share. */
  readonly factors: Tensor;
  readonly chosen: number;
}

/** A network and the experts beside it, each with the norms before and behind it. */
interface Parts {
  readonly mlp: FeedForwardWeights;
  readonly mlpNorms: readonly [before: RmsNormWeights, behind: RmsNormWeights];
  readonly router: Router;
  /** (experts · 2 · d_ff, d_model) */
  readonly inner: ExpertLinear;
  /** (experts · d_model, d_ff) */
  readonly outer: ExpertLinear;
  readonly expertNorms: readonly [before: RmsNormWeights, behind: RmsNormWeights];
  readonly activation: Activation;
}

/** Plain data in a public field, as of heads. */
class BesideExperts implements ComposedFeedForward {
  readonly kind = 'composed';
  readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  record(x: Tensor, residual: Tensor | undefined): Tensor {
    const { mlp, mlpNorms, router, expertNorms, inner, outer, activation } = this.parts;
    const dense = feedForward(normalize(x, mlpNorms[0]), mlp);
    const routes = routesOf(x, router);
    const hidden = gated(expertLinear(normalize(x, expertNorms[0]), inner, routes), activation);
    const mixed = mixExperts(expertLinear(hidden, outer, routes), routes, x.shape);
    const sum = add(normalize(dense, mlpNorms[1]), normalize(mixed, expertNorms[1]));
    return residual === undefined ? sum : add(sum, residual);
  }
}

/** Shares that come to 1 among the chosen, times each expert's factor. */
function routesOf(x: Tensor, { norm, chosen, factors, ...router }: Router): Routes {
  const scores = linear(normalize(x, norm), router.linear, { label: 'router' });
  const routes = route(scale(scores, x.size(-1) ** -0.5), { chosen, amongChosen: true });
  const own = embedding(routes.experts, factors);
  return { ...routes, shares: columnProduct(routes.shares, own, 0, 'shares of experts') };
}

/** Declares the weights of a layer, whose names begin with `prefix`. */
export function gemma4Experts(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { sizes, mlp, activation }: { readonly sizes: LlamaSizes } & Pick<Parts, 'mlp' | 'activation'>,
): ComposedFeedForward {
  const { size, eps } = sizes;
  const count = config.integer('num_experts');
  const width = config.integer('moe_intermediate_size');
  const norm = rmsNorms(loader, sizes);
  const experts = (name: string, out: number, input: number): ExpertLinear => ({
    name: `${prefix}.experts.${name}`,
    experts: count,
    weight: loader.matrix(`${prefix}.experts.${name}`, count * out, input, {
      stored: () => [count, out, input],
    }),
  });
  return new BesideExperts({
    mlp,
    mlpNorms: [
      norm(`${prefix}.pre_feedforward_layernorm`),
      norm(`${prefix}.post_feedforward_layernorm_1`),
    ],
    router: {
      norm: { weight: loader.vector(`${prefix}.router.scale`, size), eps },
      linear: loader.linear(`${prefix}.router.proj`, count, size, { bias: false }),
      factors: loader.matrix(`${prefix}.router.per_expert_scale`, count, 1, {
        dtype: 'f32',
        stored: () => [count],
      }),
      chosen: config.integer('top_k_experts', undefined, 1, count),
    },
    inner: experts('gate_up_proj', 2 * width, size),
    outer: experts('down_proj', size, width),
    expertNorms: [
      norm(`${prefix}.pre_feedforward_layernorm_2`),
      norm(`${prefix}.post_feedforward_layernorm_2`),
    ],
    activation,
  });
}
