// Numbers for tests: drawn from a seed, so that a failure can be repeated.

import { Random as SeededRandom } from '../../src/model/random.ts';

const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73];

export interface ValueOptions {
  /** Standard deviation, about; 1 when absent. */
  scale?: number;
  /** One element in how many is 20 times as large; 37 when absent, 0 for none. */
  outliers?: number;
  /** Added to every element. */
  mean?: number;
}

export class Random extends SeededRandom {
  /** `count` different primes up to `largest`, so that no two axes can be mistaken for each other. */
  unlikePrimes(count: number, largest: number): number[] {
    const left = primes.filter((prime) => prime <= largest);
    return Array.from(
      { length: count },
      () => left.splice(this.integer(0, left.length - 1), 1)[0]!,
    );
  }

  /** Numbers of both signs around `mean`, a few of them outliers. */
  values(count: number, options: ValueOptions = {}): Float32Array<ArrayBuffer> {
    const { scale = 1, outliers = 37, mean = 0 } = options;
    return Float32Array.from({ length: count }, () => {
      const value = scale * (this.next() + this.next() + this.next() - 1.5) * 2;
      const isOutlier = outliers > 0 && this.integer(1, outliers) === 1;
      return mean + (isOutlier ? 20 * value : value);
    });
  }

  /** Whole numbers from 0 to `below` - 1. */
  indices(count: number, below: number): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length: count }, () => this.integer(0, below - 1));
  }
}
