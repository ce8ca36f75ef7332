// What weights are called: as families declare them, in the file, and in the checkpoint's class.

/** What the names of a base model begin with. */
interface Root {
  readonly prefix: string;
  readonly inFile: string;
  readonly inClass: string;
}

const none: Root = { prefix: '', inFile: '', inClass: '' };

/** Old checkpoints call the weights of norms gamma and beta. */
export function oldName(name: string): string {
  return name.replace(/\.weight$/, '.gamma').replace(/\.bias$/, '.beta');
}

export class WeightNames {
  /** What the names of a part of a model begin with, everywhere. */
  #part = '';
  #root = none;

  /** Declares a part of a model, whose names begin with `prefix` before all that it says itself. */
  within<T>(prefix: string, declare: () => T): T {
    const [part, root] = [this.#part, this.#root];
    this.#part += prefix;
    this.#root = none;
    try {
      return declare();
    } finally {
      this.#part = part;
      this.#root = root;
    }
  }

  root(root: Root): void {
    this.#root = root;
  }

  /** What the file calls a tensor, or the class a module. */
  named(place: 'inFile' | 'inClass', name: string): string {
    const { prefix, [place]: own } = this.#root;
    return this.#part + (name.startsWith(prefix) ? own + name.slice(prefix.length) : name);
  }
}
