// Weights that go by several names, as an output layer that is the embedding again. A file may hold any
// one of the names, or several; what it holds decides.

export class TiedNames {
  readonly #groups = new Map<string, readonly string[]>();
  readonly #isStored: (name: string) => boolean;
  readonly #isNew: boolean;

  /** `isNew`: nothing is stored yet, so that each weight gets the first of its names. */
  constructor(isStored: (name: string) => boolean, isNew: boolean) {
    this.#isStored = isStored;
    this.#isNew = isNew;
  }

  /** Says that these are names of one weight; the first is what a file should call it. */
  tie(names: readonly string[]): void {
    const group = [...new Set(names)];
    for (const name of group) this.#groups.set(name, group);
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /** All names of a weight, its own first. */
  namesOf(name: string): readonly string[] {
    return [...new Set([name, ...(this.#groups.get(name) ?? [])])];
  }

  /** The name under which a weight is to be looked for: its own where that is stored. */
  storedAs(name: string): string {
    const names = this.#groups.get(name);
    if (names === undefined || (!this.#isNew && this.#isStored(name))) return name;
    return names.find(this.#isStored) ?? name;
  }

  /** The name to save under what was stored as `name`: the first, which older readers look for. */
  savedAs(name: string): string {
    const names = this.#groups.get(name);
    return names?.find(this.#isStored) === name ? (names[0] ?? name) : name;
  }

  /** Pairs of names that are both stored: weights that are tied if their values are the same. */
  twins(): (readonly [first: string, other: string])[] {
    return [...new Set(this.#groups.values())].flatMap((names) => {
      const [first = '', ...others] = names.filter(this.#isStored);
      return others.map((other) => [first, other] as const);
    });
  }
}
