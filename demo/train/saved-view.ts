// A saved model as one file to download.

import { zipSync } from 'fflate';
import { byId, create, megabytes } from '../elements.ts';
import { askBeforeLeaving } from './leaving.ts';
import type { SavedFile } from './protocol.ts';

export class SavedView {
  readonly #place: HTMLElement = byId('saved', HTMLElement);
  readonly #name: string;
  #address: string | undefined;

  /** `name`: of the folder that the files are in. */
  constructor(name: string) {
    this.#name = name;
  }

  show(step: number, files: readonly SavedFile[]): void {
    this.clear();
    const entries = files.map(({ name, bytes }) => [`${this.#name}/${name}`, bytes] as const);
    // Weights hardly become smaller.
    const zip = zipSync(Object.fromEntries(entries), { level: 0 });
    this.#address = URL.createObjectURL(new Blob([zip], { type: 'application/zip' }));
    const link = create(
      'a',
      { href: this.#address, download: `${this.#name}.zip` },
      `${this.#name}.zip (${megabytes(zip.length)})`,
    );
    link.addEventListener('click', () => askBeforeLeaving(false));
    const text = `The model as it was after step ${step}: `;
    this.#place.replaceChildren(create('p', {}, text, link));
  }

  /** Lets go of an earlier save. */
  clear(): void {
    if (this.#address !== undefined) URL.revokeObjectURL(this.#address);
    this.#address = undefined;
    this.#place.replaceChildren();
  }
}
