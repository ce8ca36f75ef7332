// Which model reads: the one that comes with the page, the one that is trained in it, or one of the visitor's.

import { byId } from '../elements.ts';

export type ModelKind = 'ready' | 'own' | 'photographs';

export class ModelChoice {
  readonly #set: HTMLElement = byId('models', HTMLFieldSetElement);
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#set.addEventListener('change', onChange);
  }

  get chosen(): ModelKind {
    const value = this.#set.querySelector<HTMLInputElement>('input:checked')?.value;
    return value === 'own' || value === 'photographs' ? value : 'ready';
  }

  /** Lets a model be chosen, under a name. Returns whether it could not be before. */
  offer(kind: ModelKind, name: string): boolean {
    const input = this.#inputOf(kind);
    const isNew = input.disabled;
    input.disabled = false;
    for (const label of input.labels ?? []) {
      label.hidden = false;
      label.lastElementChild?.replaceChildren(name);
    }
    return isNew;
  }

  choose(kind: ModelKind): void {
    this.#inputOf(kind).checked = true;
    this.#onChange();
  }

  /** Takes a model away; the one of the page takes its place. */
  withdraw(kind: ModelKind): void {
    const input = this.#inputOf(kind);
    if (input.checked) this.#inputOf('ready').checked = true;
    input.disabled = true;
    for (const label of input.labels ?? []) label.hidden = true;
  }

  #inputOf(kind: ModelKind): HTMLInputElement {
    return byId(`model-${kind}`, HTMLInputElement);
  }
}
