// Which digits a model reads wrong.

import type { Model } from 'webgpu-transformer';
import type { Digits } from './digits.ts';
import { pictureOf } from './digits.ts';
import { pixelValues } from './pixel-values.ts';

/** Digits that are read at once. */
const batchSize = 100;

export interface Mistake {
  /** Of the digits. */
  readonly index: number;
  /** What the model takes it for. */
  readonly answer: number;
}

/** The digits whose greatest logit is not that of their label. */
export async function mistakesOf(model: Model, digits: Digits): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  for (let first = 0; first < digits.count; first += batchSize) {
    const count = Math.min(batchSize, digits.count - first);
    const pictures = Array.from({ length: count }, (_, i) =>
      Float32Array.from(pictureOf(digits, first + i), (byte) => byte / 255),
    );
    const { logits } = await model.forward({ pixelValues: pixelValues(pictures) });
    const values = logits?.data ?? new Float32Array();
    for (let i = 0; i < count; i++) {
      const row = values.subarray(10 * i, 10 * (i + 1));
      const answer = row.indexOf(Math.max(...row));
      if (answer !== digits.labels[first + i]) mistakes.push({ index: first + i, answer });
    }
  }
  return mistakes;
}
