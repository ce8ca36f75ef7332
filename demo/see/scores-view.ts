// The classes with their probabilities, as bars.

import { create } from '../elements.ts';

export interface Score {
  readonly label: string;
  /** From 0 to 1. */
  readonly score: number;
}

/** Probabilities from logits. */
export function softmax(logits: Float32Array): Float32Array {
  const greatest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - greatest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

interface Row {
  readonly row: HTMLElement;
  readonly label: HTMLElement;
  readonly value: HTMLElement;
}

export class ScoresView {
  readonly #list: HTMLElement;
  #rows: readonly Row[] = [];

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  /** Shows scores in the order given. The greatest stands out. */
  show(scores: readonly Score[]): void {
    if (scores.length !== this.#rows.length) {
      this.#rows = scores.map(newRow);
      this.#list.replaceChildren(...this.#rows.map(({ row }) => row));
    }
    const best = Math.max(...scores.map(({ score }) => score));
    for (const [i, { row, label, value }] of this.#rows.entries()) {
      const { label: name, score } = scores[i] ?? { label: '', score: 0 };
      label.textContent = name;
      row.style.setProperty('--part', String(score));
      value.textContent = percent(score);
      row.classList.toggle('best', score === best && score > 0);
    }
  }
}

/** A part of 1 for people: "97 %", and "<1 %" where that would read 0. */
export function percent(part: number): string {
  if (part > 0 && part < 0.005) return '<1 %';
  return `${Math.round(100 * part)} %`;
}

function newRow(): Row {
  const label = create('span', { className: 'label' });
  const bar = create('span', { className: 'bar', ariaHidden: 'true' });
  const value = create('span', { className: 'value' });
  return { row: create('li', {}, label, bar, value), label, value };
}
