// The direction from texts of one kind to those of another, made anew where they change.

import type { Model, PointEdit } from 'webgpu-transformer';
import type { Steering } from './protocol.ts';
import type { Reader } from './reader.ts';
import { Refused } from './refused.ts';

export class DirectionMaker {
  readonly #model: Model;
  readonly #reader: Reader;
  #made: { readonly key: string; readonly vector: Float32Array } | undefined;

  constructor(model: Model, reader: Reader) {
    this.#model = model;
    this.#reader = reader;
  }

  /** What is added to the residual stream. @throws Refused without texts of both kinds */
  async editOf({ layer, scale, toward, away }: Steering, signal: AbortSignal): Promise<PointEdit> {
    const at = `layers.${layer}.output`;
    const key = JSON.stringify([layer, toward, away]);
    if (this.#made?.key === key) return { at, add: this.#made.vector, scale };
    const [positive, negative] = [this.#inputsOf(toward), this.#inputsOf(away)];
    if (toward.join('\n') === away.join('\n')) throw new Refused('alike');
    const { steeringVector } = await import('webgpu-transformer/interpret');
    const options = { at, positive, negative, over: 'all', signal } as const;
    const vector = await steeringVector(this.#model, options);
    this.#made = { key, vector };
    return { at, add: vector, scale };
  }

  #inputsOf(texts: readonly string[]): { inputIds: (readonly number[])[] }[] {
    const rows = texts.map((text) => this.#reader.read(text).ids);
    if (rows.length === 0 || rows.some(({ length }) => length === 0)) throw new Refused('lists');
    return rows.map((ids) => ({ inputIds: [ids] }));
  }
}
