// Where the class token looks: through all layers, in each layer, in each head; all of it small, one of them large.

import type { DenseTensor } from 'webgpu-transformer';
import { byId, create } from '../elements.ts';
import { drawWeights, type Patch, PatchMap, type Seen } from './patch-map.ts';
import { headWeights, layerWeights, type PatchWeights, rolloutWeights } from './rollout.ts';

/** One way to look at the attention. */
interface Look {
  readonly name: string;
  readonly caption: string;
  readonly weights: PatchWeights;
}

/** Side of the small pictures, in pixels. */
const smallSide = 84;
const hint = 'Point at a patch, or use the arrow keys, to read its weight.';

export class LooksView {
  readonly #section: HTMLElement = byId('attention', HTMLElement);
  readonly #overview: HTMLElement = byId('overview', HTMLElement);
  readonly #whole: HTMLElement = byId('whole', HTMLElement);
  readonly #title: HTMLElement = byId('map-title', HTMLElement);
  readonly #canvas: HTMLCanvasElement = byId('map', HTMLCanvasElement);
  readonly #readout: HTMLElement = byId('readout', HTMLElement);
  readonly #map: PatchMap;
  #seen: Seen | undefined;
  #looks: readonly Look[] = [];
  #buttons: readonly HTMLButtonElement[] = [];
  #chosen = 0;

  constructor() {
    this.#map = new PatchMap(this.#canvas, (patch) => this.#read(patch));
    this.#readout.textContent = hint;
  }

  /** Draws the attention of a picture. What was chosen stays chosen. */
  show(seen: Seen, attentions: readonly DenseTensor[]): void {
    this.#seen = seen;
    this.#section.classList.add('drawn');
    const looks = looksOf(attentions, seen.rows * seen.columns);
    if (looks.map(({ name }) => name).join() !== this.#looks.map(({ name }) => name).join()) {
      this.#offer(looks, attentions.length);
    }
    this.#looks = looks;
    for (const [i, { weights }] of looks.entries()) {
      const canvas = this.#buttons[i]?.querySelector('canvas');
      if (canvas) drawWeights(canvas, seen, weights);
    }
    this.#choose(this.#chosen);
  }

  /** Takes the pictures away, until there is something to see again. */
  clear(): void {
    this.#section.classList.remove('drawn');
  }

  #offer(looks: readonly Look[], layers: number): void {
    this.#buttons = looks.map(({ name, caption }, i) => {
      const canvas = create('canvas', { width: smallSide, height: smallSide, ariaHidden: 'true' });
      const text = create('span', {}, caption);
      const button = create('button', { type: 'button', ariaLabel: name }, canvas, text);
      button.addEventListener('click', () => this.#choose(i));
      return button;
    });
    const [first, ...rest] = this.#buttons;
    this.#whole.replaceChildren(...(first === undefined ? [] : [first]));
    this.#overview.replaceChildren(...rest);
    this.#overview.style.setProperty('--layers', String(layers));
    this.#overview.style.setProperty('--heads', String(rest.length / layers));
    if (this.#chosen >= looks.length) this.#chosen = 0;
  }

  #choose(index: number): void {
    const look = this.#looks[index];
    if (look === undefined || this.#seen === undefined) return;
    this.#chosen = index;
    for (const [i, button] of this.#buttons.entries()) button.ariaPressed = String(i === index);
    this.#title.textContent = look.name;
    this.#canvas.ariaLabel = `${look.name}: weights of the patches. Arrow keys move between them.`;
    this.#map.show(this.#seen, look.weights);
  }

  #read(patch: Patch | undefined): void {
    const look = this.#looks[this.#chosen];
    if (patch === undefined || look === undefined || this.#seen === undefined) {
      this.#readout.textContent = hint;
      return;
    }
    const { row, column } = patch;
    const weight = look.weights[row * this.#seen.columns + column] ?? 0;
    this.#readout.replaceChildren(
      `Row ${row + 1}, column ${column + 1}: `,
      create('b', { className: 'weight' }, weight.toFixed(3)),
    );
  }
}

/** The rollout, then of each layer the mean and its heads. */
function looksOf(attentions: readonly DenseTensor[], patches: number): Look[] {
  const rollout: Look = {
    name: 'Attention rollout',
    caption: 'All layers: rollout',
    weights: rolloutWeights(attentions, patches),
  };
  const layers = attentions.flatMap((attention, layer): Look[] => {
    const [, heads = 0] = attention.shape;
    const mean: Look = {
      name: `Layer ${layer + 1}, mean of its heads`,
      caption: `layer ${layer + 1}`,
      weights: layerWeights(attention, patches),
    };
    const each = Array.from({ length: heads }, (_, head) => ({
      name: `Layer ${layer + 1}, head ${head + 1}`,
      caption: `head ${head + 1}`,
      weights: headWeights(attention, head, patches),
    }));
    return [mean, ...each];
  });
  return [rollout, ...layers];
}
