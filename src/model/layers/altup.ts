// "Alternating Updates for Efficient Transformers" (Baykal et al., 2023, arXiv 2301.13310), as in Gemma 3n: of several
// vectors a token a layer computes one; it predicts all of them before, and corrects them behind. Shares follow from the
// token.

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { clamp, type ClampGradient } from '../../shaders/elementwise/clamp.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { joinColumns } from '../../shaders/elementwise/join-columns.ts';
import { mixStreams } from '../../shaders/streams/mix-streams.ts';
import { scale } from '../../shaders/elementwise/scale.ts';
import { takeColumns } from '../../shaders/elementwise/take-columns.ts';
import { matchMagnitude } from '../../shaders/streams/match-magnitude.ts';
import { normalize, type RmsNormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import { type PerLayerGate, takenOf } from './per-layer.ts';
import type { AroundLayer, Streams } from './stack.ts';

/** The mean square of a vector counts as so much at least. */
const leastSquare = 1e-5;

/** A stream of `columns` by its number. */
function streamOf(streams: Tensor, index: number, columns: number): Tensor {
  return takeColumns(streams, index * columns, columns, `stream ${index}`);
}

/** What streams begin with, and how they come together. Plain data in public fields, as of heads. */
export class AltUpStreams implements Streams {
  readonly count: number;
  /** Of each stream but the first: (d_model, d_model) */
  readonly inner: readonly Linear[];
  /** Likewise, at the end. */
  readonly outer: readonly Linear[];

  constructor(inner: readonly Linear[], outer: readonly Linear[]) {
    this.count = inner.length + 1;
    this.inner = inner;
    this.outer = outer;
  }

  apart({ data, shape }: Parameters<Streams['apart']>[0]): ReturnType<Streams['apart']> {
    const columns = (shape.at(-1) ?? 0) / this.count;
    const tokens = data.length / columns / this.count;
    const apart = new Float32Array(data.length);
    for (let token = 0; token < tokens; token++) {
      for (let stream = 0; stream < this.count; stream++) {
        const first = (token * this.count + stream) * columns;
        apart.set(data.subarray(first, first + columns), (stream * tokens + token) * columns);
      }
    }
    return { data: apart, shape: [this.count, ...shape.slice(0, -1), columns] };
  }

  /** x, and its projections of the same magnitude. */
  open(x: Tensor): Tensor {
    const others = this.inner.map((layer) => projected(x, layer, x));
    return joinColumns([x, ...others], 'streams');
  }

  /** The mean of the first stream and the projections of the others, of the magnitude of the first. */
  close(output: Tensor): Tensor {
    const columns = output.size(-1) / this.count;
    const first = streamOf(output, 0, columns);
    const sum = this.outer.reduce(
      (before, layer, i) => add(before, projected(streamOf(output, i + 1, columns), layer, first)),
      first,
    );
    return scale(sum, 1 / this.count);
  }
}

function projected(x: Tensor, layer: Linear, like: Tensor): Tensor {
  return matchMagnitude(linear(x, layer, { label: 'stream' }), like, leastSquare);
}

interface AltUpParts {
  /** The stream that the layer computes. */
  readonly active: number;
  /** What tells the shares of a token: tanh(W · Norm(x) / d_model), W: (streams, d_model). */
  readonly router: { readonly norm: RmsNormWeights; readonly linear: Linear };
  /** (streams², streams); its weights are brought within its `limit` in training. */
  readonly prediction: Linear;
  /** (streams, streams) */
  readonly correction: Linear;
  /** What the weights of both count at most in training, either way; anything when absent. */
  readonly limit: number | undefined;
  /** Factors of the columns that what the layer takes of the tokens is gated by, (d_model); 1 when absent. */
  readonly factors: Tensor | undefined;
  /** What all streams but the first take of the tokens themselves. */
  readonly gate: PerLayerGate;
}

/** Plain data in a public field, as of heads. */
export class AltUp implements AroundLayer {
  readonly parts: AltUpParts;

  constructor(parts: AltUpParts) {
    this.parts = parts;
  }

  /** given and result: (B, T, streams · d_model). */
  record(
    given: Tensor,
    sublayers: (x: Tensor) => Tensor,
    { perLayer }: { readonly perLayer: Tensor | undefined },
  ): Tensor {
    const { active, prediction, correction, factors, gate } = this.parts;
    const columns = given.size(-1) / correction.weight.size(0);
    const predicted = mixStreams(given, given, {
      columns,
      coefficients: this.#shares(streamOf(given, active, columns), prediction, 'all'),
    });
    const expected = streamOf(predicted, active, columns);
    const computed = sublayers(expected);
    const corrected = mixStreams(predicted, add(computed, scale(expected, -1)), {
      columns,
      coefficients: this.#shares(computed, correction, 'inside'),
      offset: 1,
    });
    if (perLayer === undefined) return corrected;
    const own = streamOf(corrected, active, columns);
    const taken = takenOf(perLayer, factors ? columnScale(own, factors) : own, gate);
    return mixStreams(corrected, taken, { columns, offset: 1, first: 1 });
  }

  /** Of each token: those of a layer over what the router says of x. */
  #shares(x: Tensor, layer: Linear, gradient: ClampGradient): Tensor {
    const { limit } = this.parts;
    const { norm, linear: router } = this.parts.router;
    const input = scale(normalize(x, norm), 1 / x.size(-1));
    const routed = linear(input, router, { activation: 'tanh', label: 'router' });
    const { recording } = x;
    const weight =
      limit !== undefined && recording.training
        ? clamp(recording, layer.weight, { limit, gradient })
        : layer.weight;
    return linear(routed, { ...layer, weight }, { label: 'shares of streams' });
  }
}
