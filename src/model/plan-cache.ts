// The lists a model has recorded, by shape. The least recently used one goes when there are many.

import { TransformerError } from '../runtime/errors.ts';

interface Disposable {
  dispose(): void;
}

interface Entry<T> {
  readonly item: Promise<T>;
  /** The item once it is recorded, so that it can be freed at once. */
  made?: T;
  users: number;
}

export class PlanCache<T extends Disposable> {
  readonly #most: number;
  readonly #entries = new Map<string, Entry<T>[]>();
  #disposed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Uses the item of a key, recorded when there is none. Several users may share one. */
  async share<R>(key: string, make: () => Promise<T>, use: (item: T) => Promise<R>): Promise<R> {
    this.assertUsable();
    const [entry] = this.#entries.get(key) ?? [];
    return this.#use(key, entry ?? this.#add(key, make), use);
  }

  /** Takes an item of a key that nobody else uses, recorded when there is none. */
  async take(key: string, make: () => Promise<T>): Promise<{ item: T; release: () => void }> {
    this.assertUsable();
    const idle = this.#entries.get(key)?.find(({ users }) => users === 0);
    const entry = idle ?? this.#add(key, make);
    entry.users += 1;
    try {
      const item = await entry.item;
      return { item, release: () => this.#leave(key, entry) };
    } catch (error) {
      this.#leave(key, entry);
      this.assertUsable();
      throw error;
    }
  }

  dispose(): void {
    this.#disposed = true;
    for (const list of this.#entries.values()) list.forEach((entry) => drop(entry));
    this.#entries.clear();
  }

  async #use<R>(key: string, entry: Entry<T>, use: (item: T) => Promise<R>): Promise<R> {
    entry.users += 1;
    try {
      return await use(await entry.item);
    } catch (error) {
      this.assertUsable();
      throw error;
    } finally {
      this.#leave(key, entry);
    }
  }

  #add(key: string, make: () => Promise<T>): Entry<T> {
    const entry: Entry<T> = { item: make(), users: 0 };
    this.#entries.set(key, [...(this.#entries.get(key) ?? []), entry]);
    // A list that could not be recorded is forgotten, so that a later call tries again.
    entry.item.then(
      (made) => (entry.made = made),
      () => this.#remove(key, entry),
    );
    return entry;
  }

  #leave(key: string, entry: Entry<T>): void {
    entry.users -= 1;
    const list = this.#entries.get(key);
    if (this.#disposed || list === undefined) return;
    // The most recently used key stands last.
    this.#entries.delete(key);
    this.#entries.set(key, list);
    const total = [...this.#entries.values()].flat().length;
    if (total <= this.#most) return;
    for (const [oldKey, entries] of this.#entries) {
      const idle = entries.find(({ users }) => users === 0);
      if (idle === undefined) continue;
      this.#remove(oldKey, idle);
      drop(idle);
      return;
    }
  }

  #remove(key: string, entry: Entry<T>): void {
    const rest = (this.#entries.get(key) ?? []).filter((other) => other !== entry);
    if (rest.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, rest);
  }

  /** Throws DISPOSED after the end: it tells more than what failed because of it. */
  assertUsable(): void {
    if (this.#disposed) throw disposedError();
  }
}

/** The error of calls after the end. */
export function disposedError(): TransformerError {
  return new TransformerError('DISPOSED', 'This model was disposed. Load it again to use it.');
}

/** The error of calls whose model went with its device, and was loaded again since. */
export function lostError(cause: unknown): TransformerError {
  const message = 'The device was lost while this ran. Call it again.';
  return new TransformerError('DEVICE_LOST', message, { cause });
}

/** Frees an item, or has it freed as soon as it is there. */
function drop<T extends Disposable>({ item, made }: Entry<T>): void {
  if (made !== undefined) return made.dispose();
  item.then(
    (late) => late.dispose(),
    () => {},
  );
}
