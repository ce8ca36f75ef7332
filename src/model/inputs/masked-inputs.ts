// Tokens whose padding is 0 before the first layer, which may see it (DeBERTa).

import type { Recording } from '../../runtime/record.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { maskRows } from '../../shaders/elementwise/mask-rows.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import { linear } from '../layers/linear.ts';
import type { InputShape, RecordedInput } from './input-stage.ts';
import { TokenInput, type TokenInputOptions } from './token-inputs.ts';

/** From embeddings of another width, which have no norm yet. */
export interface EmbeddingProjection {
  readonly linear: NonNullable<EmbeddingWeights['projection']>;
  readonly norm: NormWeights;
  readonly dropout: number;
}

export class MaskedTokenInput extends TokenInput {
  readonly projection: EmbeddingProjection | undefined;

  constructor(options: TokenInputOptions, projection?: EmbeddingProjection) {
    super(options);
    this.projection = projection;
  }

  override record(recording: Recording, shape: InputShape): RecordedInput {
    const begun = super.record(recording, shape);
    return { ...begun, vectors: maskRows(this.#projected(begun), begun.mask) };
  }

  #projected({ vectors }: RecordedInput): RecordedInput['vectors'] {
    if (this.projection === undefined) return vectors;
    const { linear: weights, norm, dropout: rate } = this.projection;
    const x = linear(vectors, weights, { label: 'embedding projection' });
    return dropout(normalize(x, norm, { label: 'embedding norm' }), rate);
  }
}
