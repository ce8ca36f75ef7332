// One version of a file in the cache: a folder with a small file for each range that was read, named by it
// and by a hash of its bytes, which tells whether they are still the same.

import { checksum, type PatientStore } from './patient-store.ts';
import type { FileFacts, FileRange } from './source.ts';

/** When kept bytes are compared with their hashes: once a load, each time they are read, or never. */
export type CacheCheck = 'once' | 'always' | 'never';

interface Piece extends FileRange {
  readonly name: string;
  readonly hash: string;
  isChecked: boolean;
}

/** What is said of a range: its first bytes, as far as they are kept; or where they go on after a gap. */
export interface Kept {
  readonly bytes?: Uint8Array | undefined;
  /** The end of the gap. */
  readonly gap: number;
  /** Whether there were bytes that are not what they had been. */
  readonly isDamaged: boolean;
}

const WHOLE = 'whole';

export class KeptFile {
  readonly facts: FileFacts;
  readonly size: number;
  readonly #path: string;
  readonly #store: PatientStore;
  readonly #check: CacheCheck;
  readonly #pieces: Piece[];
  #isWhole: boolean;

  private constructor(
    at: { readonly store: PatientStore; readonly path: string; readonly check: CacheCheck },
    facts: FileFacts & { readonly size: number },
    names: readonly string[],
  ) {
    this.facts = facts;
    this.size = facts.size;
    this.#path = at.path;
    this.#store = at.store;
    this.#check = at.check;
    this.#pieces = names.flatMap((name) => {
      const [, start, end, hash] = /^(\d+)-(\d+)-([\da-f]{32})$/.exec(name) ?? [];
      if (hash === undefined) return [];
      return [{ start: Number(start), end: Number(end), name, hash, isChecked: false }];
    });
    this.#isWhole = names.includes(WHOLE);
  }

  static async open(
    at: { readonly store: PatientStore; readonly path: string; readonly check: CacheCheck },
    facts: FileFacts & { readonly size: number },
  ): Promise<KeptFile> {
    return new KeptFile(at, facts, await at.store.list(at.path));
  }

  /** Whether all ranges were there, and the whole had the hash that is known of it. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The first bytes of a range that is not empty, or how far they are missing. */
  async read({ start, end }: FileRange): Promise<Kept> {
    let isDamaged = false;
    for (;;) {
      const piece = this.#pieces.find((each) => each.start <= start && start < each.end);
      if (piece === undefined) {
        const starts = this.#pieces.map((each) => each.start).filter((at) => at > start);
        return { gap: starts.reduce((low, at) => Math.min(low, at), end), isDamaged };
      }
      const stop = Math.min(piece.end, end);
      const bytes = await this.#bytesOf(piece, { start, end: stop });
      if (bytes !== undefined) return { bytes, gap: start, isDamaged };
      isDamaged = true;
      await this.#drop(piece);
    }
  }

  /** The ranges that are not kept. */
  gaps(): FileRange[] {
    const gaps: FileRange[] = [];
    let at = 0;
    const pieces = this.#pieces.toSorted((a, b) => a.start - b.start);
    for (const { start, end } of [...pieces, { start: this.size, end: this.size }]) {
      if (start > at) gaps.push({ start: at, end: start });
      at = Math.max(at, end);
    }
    return gaps;
  }

  /** Keeps bytes of the file, from byte `start` on. */
  async add(start: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.length === 0 || this.#store.isReadOnly) return;
    const hash = await checksum(bytes);
    const range = { start, end: start + bytes.length };
    const name = `${range.start}-${range.end}-${hash}`;
    if (!(await this.#store.write(`${this.#path}/${name}`, bytes))) return;
    this.#pieces.push({ ...range, name, hash, isChecked: false });
  }

  /** Notes that all is there. */
  async markWhole(): Promise<void> {
    this.#isWhole = await this.#store.write(`${this.#path}/${WHOLE}`, new Uint8Array(0));
  }

  /** Removes all that is kept of the file. */
  async remove(): Promise<void> {
    this.#pieces.length = 0;
    this.#isWhole = false;
    await this.#store.remove(this.#path);
  }

  /** Bytes within a piece; undefined when the piece is not what it was. */
  async #bytesOf(piece: Piece, { start, end }: FileRange): Promise<Uint8Array | undefined> {
    const path = `${this.#path}/${piece.name}`;
    const part = { start: start - piece.start, end: end - piece.start };
    if (this.#check === 'never' || (this.#check === 'once' && piece.isChecked)) {
      const bytes = await this.#store.read(path, part);
      return bytes.length === end - start ? bytes : undefined;
    }
    const length = piece.end - piece.start;
    const all = await this.#store.read(path, { start: 0, end: length });
    piece.isChecked = all.length === length && (await checksum(all)) === piece.hash;
    return piece.isChecked ? all.subarray(part.start, part.end) : undefined;
  }

  async #drop(piece: Piece): Promise<void> {
    const at = this.#pieces.indexOf(piece);
    if (at !== -1) this.#pieces.splice(at, 1);
    await this.#store.remove(`${this.#path}/${piece.name}`);
    if (!this.#isWhole) return;
    this.#isWhole = false;
    await this.#store.remove(`${this.#path}/${WHOLE}`);
  }
}
