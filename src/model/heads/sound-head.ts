// A classifier of sounds: the mean of what lies in each, projected.

import type { Tensor } from '../../runtime/tensor.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { tokenMeans } from '../../shaders/image/token-means.ts';
import type { Config } from '../config.ts';
import { applyLayers, type HeadLayer } from './head.ts';
import { SequenceHead } from './sequence-head.ts';

export class SoundHead extends SequenceHead {
  /** Heads that states are taken as while their mean is computed. */
  readonly heads: number;

  constructor(config: Config, layers: readonly HeadLayer[], heads: number) {
    super(config, layers);
    this.heads = heads;
  }

  /** The mean of projections is the projection of the mean. */
  override record(states: Tensor, _pooled: Tensor | undefined, mask?: Tensor): Tensor {
    if (mask === undefined) throw new RangeError('this head needs a mask');
    const [batch = 0, , size = 0] = states.shape;
    // A query of zeros finds all states alike.
    const q = { tensor: states.recording.persistent('no query', [batch, 1, size]), start: 0 };
    const k = { tensor: states, start: 0 };
    const sizes = { heads: this.heads, headSize: size / this.heads };
    const { output } = attention({ q, k, v: k, keyMask: mask, ...sizes, causal: false });
    return applyLayers(tokenMeans(output, { first: 0, count: 1 }), this.layers);
  }
}
