// The files of a saved model as links to download.

import { byId, create, megabytes } from '../elements.ts';
import type { SavedFile } from './protocol.ts';

export class SavedView {
  readonly #place: HTMLElement = byId('saved', HTMLElement);
  #addresses: readonly string[] = [];

  show(step: number, files: readonly SavedFile[]): void {
    this.clear();
    const links = files.map(({ name, bytes }) => {
      const href = URL.createObjectURL(new Blob([bytes]));
      const size = bytes.length < 100_000 ? `${Math.ceil(bytes.length / 1000)} kB` : undefined;
      const text = `${name} (${size ?? megabytes(bytes.length)})`;
      return create('a', { href, download: name }, text);
    });
    this.#addresses = links.map(({ href }) => href);
    this.#place.replaceChildren(
      create('p', {}, `The model as it was after step ${step}:`),
      create('ul', {}, ...links.map((link) => create('li', {}, link))),
    );
  }

  /** Lets go of the files of an earlier save. */
  clear(): void {
    for (const address of this.#addresses) URL.revokeObjectURL(address);
    this.#addresses = [];
    this.#place.replaceChildren();
  }
}
