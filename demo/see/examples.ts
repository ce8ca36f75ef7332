// Digits of MNIST that no model of this page learns from, as buttons: one of each kind at a time.

import { type Digits, pictureOf, selectDigits, side } from '../digits/digits.ts';
import type { Picture } from '../digits/place.ts';
import { fetchDigits, heldOut } from '../digits/share.ts';
import { byId, create } from '../elements.ts';
import { inkCanvas } from './ink.ts';

export class Examples {
  readonly #group: HTMLElement = byId('examples', HTMLElement);
  readonly #onChosen: (picture: Picture) => void;
  #digits: Digits | undefined;
  #turn = 0;

  constructor(onChosen: (picture: Picture) => void) {
    this.#onChosen = onChosen;
    byId('more', HTMLButtonElement).addEventListener('click', () => {
      this.#turn += 1;
      this.#show();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#show());
  }

  /** Reads the digits and shows the first ten. */
  async load(): Promise<void> {
    this.#digits = heldOut(await fetchDigits());
    this.#show();
  }

  #show(): void {
    const digits = this.#digits;
    if (digits === undefined) return;
    const color = getComputedStyle(this.#group).color;
    const buttons = Array.from({ length: 10 }, (_, label) => {
      const same = selectDigits(digits, (index) => digits.labels[index] === label);
      const bytes = pictureOf(same, this.#turn % same.count);
      const picture = Float32Array.from(bytes, (byte) => byte / 255);
      const canvas = inkCanvas(picture, side, color);
      canvas.ariaHidden = 'true';
      const button = create(
        'button',
        { type: 'button', ariaLabel: `Handwritten ${label}` },
        canvas,
      );
      button.addEventListener('click', () => this.#onChosen(picture));
      return button;
    });
    this.#group.replaceChildren(...buttons);
  }
}
