// What a visitor sets: fields, sliders, lists, sections. They tell of changes, and show the state as it is.

import { byId, create } from '../elements.ts';
import { type DirectionName, directionOf, directions } from './directions.ts';
import type { HeadPlace, ModelFacts } from './protocol.ts';
import { nameOf, patchedParts, type SectionName, sectionNames, type State } from './state.ts';
import { isLanguage, type LanguageName, languageNames, type Words } from './words/words.ts';

const texts = ['text', 'toward', 'away', 'other'] as const;

/** The sliders, by what they set. */
const sliders = { temperature: 'temperature', 'top-p': 'topP', scale: 'scale' } as const;

export class Controls {
  readonly #change: (changes: Partial<State>) => void;
  #state: State | undefined;

  constructor(change: (changes: Partial<State>) => void) {
    this.#change = change;
    for (const name of texts) {
      const field = byId(name, HTMLTextAreaElement);
      field.addEventListener('input', () => change({ [name]: field.value }));
    }
    for (const [id, name] of Object.entries(sliders)) {
      const slider = byId(id, HTMLInputElement);
      slider.addEventListener('input', () => change({ [name]: slider.valueAsNumber }));
    }
    this.#listenToLists();
    for (const name of sectionNames) {
      const section = byId(`section-${name}`, HTMLDetailsElement);
      section.addEventListener('toggle', () => this.#toggle(name, section.open));
    }
    byId('again', HTMLButtonElement).addEventListener('click', () => {
      change({ seed: ((this.#state?.seed ?? 0) + 1) % 2 ** 32 });
    });
  }

  /** `use` gets the language that is chosen. */
  onLanguage(use: (name: LanguageName) => void): void {
    const list = byId('language', HTMLSelectElement);
    const { lang } = document.documentElement;
    list.replaceChildren(
      ...Object.entries(languageNames).map(([value, text]) =>
        create('option', { value, lang: value }, text),
      ),
    );
    list.value = lang.slice(0, 2);
    list.addEventListener('change', () => {
      if (isLanguage(list.value)) use(list.value);
    });
  }

  /** Puts the texts of a state into their fields, which are the visitor's otherwise. */
  fill(state: State): void {
    this.#state = state;
    for (const name of texts) byId(name, HTMLTextAreaElement).value = state[name];
    for (const name of sectionNames) {
      byId(`section-${name}`, HTMLDetailsElement).open = state.open.includes(name);
    }
    if (state.model.startsWith('hf:')) byId('address', HTMLInputElement).value = state.model;
  }

  /** Shows the state, in these words. */
  show(state: State, words: Words, facts: ModelFacts | undefined): void {
    this.#state = state;
    for (const name of texts) {
      const field = byId(name, HTMLTextAreaElement);
      if (field.value !== state[name]) field.value = state[name];
    }
    for (const [id, name] of Object.entries(sliders)) {
      byId(id, HTMLInputElement).value = String(state[name]);
      byId(`${id}-value`, HTMLOutputElement).value = state[name].toFixed(id === 'top-p' ? 2 : 1);
    }
    const isGreedy = state.temperature === 0;
    byId('top-p', HTMLInputElement).disabled = isGreedy;
    byId('again', HTMLButtonElement).disabled = isGreedy;
    this.#showLists(state, words, facts);
    this.#showOff(state.off, words);
  }

  #listenToLists(): void {
    const layer = byId('layer', HTMLSelectElement);
    layer.addEventListener('change', () => this.#change({ layer: Number(layer.value) }));
    const part = byId('part', HTMLSelectElement);
    part.addEventListener('change', () => {
      const chosen = patchedParts.find((one) => one === part.value);
      if (chosen !== undefined) this.#change({ part: chosen });
    });
    const direction = byId('direction', HTMLSelectElement);
    direction.addEventListener('change', () => {
      const name = direction.value;
      if (name in directions) this.#change(directions[name as DirectionName]);
    });
  }

  #showLists(state: State, words: Words, facts: ModelFacts | undefined): void {
    const layers = Math.max(facts?.layers ?? 0, state.layer + 1);
    fillList(
      'layer',
      Array.from({ length: layers }, (_, i) => [String(i), words.layer(i + 1)]),
      String(state.layer),
    );
    const own = directionOf(state);
    fillList(
      'direction',
      [
        ...Object.keys(directions).map((name): [string, string] => [
          name,
          words[name as DirectionName],
        ]),
        ['', words.ownLists],
      ],
      own ?? '',
    );
    const names = [words.wholeOutput, words.attentionOutput, words.feedForwardOutput];
    fillList(
      'part',
      patchedParts.map((part, i) => [part, names[i] ?? part]),
      state.part,
    );
  }

  /** The heads that are off, each a button that switches it on. */
  #showOff(off: readonly HeadPlace[], words: Words): void {
    const list = byId('off', HTMLUListElement);
    const focused = [...list.querySelectorAll('button')].findIndex(
      (button) => button === document.activeElement,
    );
    const items = off.map((place) => {
      const name = words.head(place.layer + 1, place.head + 1);
      const label = `${words.switchOn}: ${name}`;
      const button = create('button', { type: 'button', ariaLabel: label }, `${name} ✕`);
      button.addEventListener('click', () => {
        this.#change({ off: off.filter((one) => nameOf(one) !== nameOf(place)) });
      });
      return create('li', {}, button);
    });
    list.replaceChildren(...items);
    list.hidden = off.length === 0;
    byId('none-off', HTMLElement).hidden = off.length > 0;
    const buttons = list.querySelectorAll('button');
    if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
  }

  #toggle(name: SectionName, isOpen: boolean): void {
    const open = sectionNames.filter((one) =>
      one === name ? isOpen : this.#state?.open.includes(one),
    );
    if (open.join() !== this.#state?.open.join()) this.#change({ open });
  }
}

/** Fills a list of choices, unless they are there already. */
function fillList(
  id: string,
  choices: readonly (readonly [string, string])[],
  chosen: string,
): void {
  const list = byId(id, HTMLSelectElement);
  const isThere = [...list.options].map(({ value, text }) => `${value}\t${text}`).join('\n');
  if (isThere !== choices.map((choice) => choice.join('\t')).join('\n')) {
    list.replaceChildren(...choices.map(([value, text]) => create('option', { value }, text)));
  }
  list.value = chosen;
}
