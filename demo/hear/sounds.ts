// Sound that is still to be heard, in the pieces in which it came.

export class Sounds {
  readonly samplingRate: number;
  #samples = new Float32Array(2 ** 16);
  #length = 0;

  constructor(samplingRate: number) {
    this.samplingRate = samplingRate;
  }

  get seconds(): number {
    return this.#length / this.samplingRate;
  }

  add(piece: Float32Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#samples.length) {
      const larger = new Float32Array(Math.max(needed, 2 * this.#samples.length));
      larger.set(this.first(this.seconds));
      this.#samples = larger;
    }
    this.#samples.set(piece, this.#length);
    this.#length = needed;
  }

  /** A copy of the first seconds, or of what there is of them. */
  first(seconds: number): Float32Array<ArrayBuffer> {
    return this.#samples.slice(0, Math.min(this.#length, this.#count(seconds)));
  }

  /** Forgets the first seconds. */
  drop(seconds: number): void {
    const count = Math.min(this.#length, this.#count(seconds));
    this.#samples.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  #count(seconds: number): number {
    return Math.round(seconds * this.samplingRate);
  }
}
