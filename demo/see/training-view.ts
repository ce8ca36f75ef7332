// The section that trains: its run, its loss, and the digits that the model still reads wrong.

import { type Digits, pictureOf, side } from '../digits/digits.ts';
import { fetchDigits, heldOut } from '../digits/share.ts';
import { byId, create } from '../elements.ts';
import { LossCurve } from '../train/loss-curve.ts';
import type { SavedFile } from '../train/protocol.ts';
import { RunControl, showMemory } from '../train/run-control.ts';
import { SavedView } from '../train/saved-view.ts';
import { inkCanvas } from './ink.ts';
import { type PresetName, presets } from './presets.ts';
import type { Look, Outcome, RunFacts, Settings } from './protocol.ts';

/** Mistakes that are shown as pictures. */
const mostPictures = 40;

export class TrainingView {
  readonly #preset: HTMLSelectElement = byId('preset', HTMLSelectElement);
  readonly #seed: HTMLInputElement = byId('seed', HTMLInputElement);
  readonly #mistakes: HTMLElement = byId('mistakes', HTMLElement);
  readonly #curve = new LossCurve(byId('loss', HTMLElement), 'digit');
  readonly #saved = new SavedView('digits');
  readonly #control: RunControl<Settings, Outcome>;
  readonly #onModel: (files: readonly SavedFile[], step: number) => void;
  #facts: RunFacts | undefined;
  #heldOut: Digits | undefined;

  /** `onModel` gets the model as it is trained, now and then. */
  constructor(onModel: (files: readonly SavedFile[], step: number) => void) {
    this.#onModel = onModel;
    const options = Object.entries(presets).map(([value, { label }]) =>
      create('option', { value }, label),
    );
    this.#preset.replaceChildren(...options);
    this.#curve.clear(0);
    this.#control = new RunControl({
      status: byId('run-status', HTMLElement),
      problem: byId('run-problem', HTMLElement),
      stages: {
        device: 'Opening the GPU …',
        data: 'Reading the digits …',
        model: 'Drawing the weights and compiling the kernels …',
      },
      createWorker: () =>
        new Worker(new URL('worker.ts', import.meta.url), { type: 'module', name: 'training' }),
      settings: () => this.#settings(),
      begin: () => this.#saved.clear(),
      hear: (report) => this.#hear(report),
      rest: () => this.#curve.describe(),
    });
  }

  #settings(): Settings {
    const { value } = this.#preset;
    const preset = value in presets ? (value as PresetName) : 'full';
    return { preset, seed: this.#seed.valueAsNumber };
  }

  #hear(report: Outcome): void {
    switch (report.type) {
      case 'ready':
        this.#begin(report.facts);
        return;
      case 'step': {
        const { step, loss, learningRate } = report.step;
        const smoothed = this.#curve.add(step, loss);
        showFact('step', `${step} of ${this.#facts?.steps ?? 0}`);
        showFact('loss', smoothed.toFixed(3));
        showFact('learning-rate', learningRate.toPrecision(3));
        showMemory(report.gpuBytes);
        return;
      }
      case 'look':
        void this.#look(report.look);
        return;
      case 'saved':
        this.#saved.show(report.step, report.files);
        return;
    }
  }

  #begin(facts: RunFacts): void {
    this.#facts = facts;
    this.#curve.clear(0);
    this.#mistakes.replaceChildren();
    for (const name of ['loss', 'learning-rate', 'accuracy']) showFact(name, '–');
    showFact('step', `0 of ${facts.steps}`);
    showFact('parameters', facts.parameters.toLocaleString('en'));
  }

  async #look({ step, mistakes, files }: Look): Promise<void> {
    this.#heldOut ??= heldOut(await fetchDigits());
    const digits = this.#heldOut;
    const right = digits.count - mistakes.length;
    const share = `${((100 * right) / digits.count).toFixed(1)} %`;
    showFact('accuracy', `${share}, ${right} of ${digits.count}`);
    if (step > 0)
      this.#control.tell(`Training: step ${step}, ${share} of the digits held out right.`);
    this.#curve.describe();
    const color = getComputedStyle(this.#mistakes).color;
    // Some of each kind: the digits come kind by kind.
    const stride = Math.max(1, mistakes.length / mostPictures);
    const shown = mistakes.filter((_, i) => Math.floor(i / stride) > Math.floor((i - 1) / stride));
    const items = shown.map(({ index, answer }) => {
      const picture = Float32Array.from(pictureOf(digits, index), (byte) => byte / 255);
      const canvas = inkCanvas(picture, side, color);
      canvas.ariaHidden = 'true';
      const label = digits.labels[index] ?? 0;
      const caption = create('span', { ariaHidden: 'true' }, `${label} → ${answer}`);
      const text = create('span', { className: 'visually-hidden' }, `a ${label} read as ${answer}`);
      return create('li', {}, canvas, caption, text);
    });
    this.#mistakes.replaceChildren(...items);
    const rest = mistakes.length - items.length;
    byId('mistakes-rest', HTMLElement).textContent = rest > 0 ? `and ${rest} more` : '';
    this.#onModel(files, step);
  }
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}
