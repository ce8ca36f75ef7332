// SHA-256 (FIPS 180-4) of bytes that come in pieces; the browser's own wants them all at once.

/** The first 32 bits of the fractions of a root of the first `count` primes. */
function fractions(root: (prime: number) => number, count: number): Uint32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return Uint32Array.from(primes, (prime) => (root(prime) % 1) * 2 ** 32);
}

const BLOCK = 64;
const ROUNDS = fractions(Math.cbrt, BLOCK);
const START = fractions(Math.sqrt, 8);

export class Sha256 {
  readonly #state = START.slice();
  readonly #words = new Uint32Array(BLOCK);
  readonly #rest = new Uint8Array(BLOCK);
  #length = 0;

  update(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const filled = this.#length % BLOCK;
      const take = Math.min(BLOCK - filled, bytes.length - at);
      if (take === BLOCK) this.#digest(bytes, at);
      else {
        this.#rest.set(bytes.subarray(at, at + take), filled);
        if (filled + take === BLOCK) this.#digest(this.#rest, 0);
      }
      at += take;
      this.#length += take;
    }
  }

  /** The hash of all bytes, as 64 hexadecimal digits. Ends the object's use. */
  hex(): string {
    const length = this.#length;
    // A one bit, zeros, and the length in bits in the last 8 bytes of a block.
    const padding = new Uint8Array(BLOCK + 8 - ((length + 8) % BLOCK));
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(length) * 8n);
    this.update(padding);
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, '0')).join('');
  }

  /** Section 6.2.2 over the block at `at`. */
  #digest(bytes: Uint8Array, at: number): void {
    const w = this.#words;
    const word = (i: number): number => w[i] ?? 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK);
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(4 * i);
    for (let i = 16; i < BLOCK; i++) {
      const [x, y] = [word(i - 15), word(i - 2)];
      const small0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const small1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[i] = word(i - 16) + small0 + word(i - 7) + small1;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state;
    for (let i = 0; i < BLOCK; i++) {
      const large1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + large1 + ((e & f) ^ (~e & g)) + (ROUNDS[i] ?? 0) + word(i)) | 0;
      const large0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = large0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) {
      this.#state[i] = (this.#state[i] ?? 0) + value;
    }
  }
}

function rotate(x: number, bits: number): number {
  return (x >>> bits) | (x << (32 - bits));
}
