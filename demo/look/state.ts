// What is on the page, and how a link says it.

import { directions } from './directions.ts';
import type { HeadPlace, PatchedPart, Scene } from './protocol.ts';

/** The sections that are computed where they are open. */
export const sectionNames = ['heads', 'lens', 'pair'] as const;
export type SectionName = (typeof sectionNames)[number];

export const patchedParts: readonly PatchedPart[] = [
  'output',
  'selfAttention.output',
  'feedForward.output',
];

export interface State {
  /** `novels`, the model of the page, hf:owner/name, or `own`: files that were dropped, which no link holds. */
  readonly model: string;
  readonly text: string;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly off: readonly HeadPlace[];
  /** Texts of either kind, one a line. */
  readonly toward: string;
  readonly away: string;
  /** From 0 on. */
  readonly layer: number;
  /** 0 adds nothing. */
  readonly scale: number;
  /** The head that is shown large. */
  readonly head: HeadPlace;
  readonly other: string;
  readonly part: PatchedPart;
  readonly open: readonly SectionName[];
}

export const embedded = 'novels';
export const own = 'own';

export const initial: State = {
  model: embedded,
  text: 'It is a truth universally acknowledged, that a single man in possession of a good',
  temperature: 0.8,
  topP: 0.9,
  seed: 1,
  off: [],
  ...directions.mood,
  layer: 1,
  scale: 0,
  head: { layer: 0, head: 0 },
  other: 'It is a truth universally acknowledged, that a single woman in possession of a good',
  part: 'output',
  open: ['heads', 'lens'],
};

/** Words at random, said twice but for the last, which the model of the page finds by an induction head of its last layer. */
export const saidTwice: State = {
  ...initial,
  text: 'The walk letter garden London carriage sister evening window the walk letter garden London carriage sister evening',
  head: { layer: 3, head: 3 },
};

/** The greatest factor of a direction, either way. */
export const mostScale = 10;

/** What stands behind `#` in a link: what is not as it is when the page opens. */
export function linkOf(state: State): string {
  const parameters = new URLSearchParams();
  for (const [name, field] of Object.entries(fields)) {
    const value = field.write(state);
    if (value !== field.write(initial)) parameters.set(name, value);
  }
  return String(parameters);
}

/** The state of a link. What it does not say, or says in no way that can be read, is as when the page opens. */
export function stateOf(link: string): State {
  const parameters = new URLSearchParams(link.replace(/^#/, ''));
  let state = initial;
  for (const [name, field] of Object.entries(fields)) {
    const value = parameters.get(name);
    if (value !== null) state = { ...state, ...field.read(value) };
  }
  return state;
}

/** What the worker is to show. */
export function sceneOf(state: State): Scene {
  const { text, off, layer, scale, temperature, topP, seed, open, other, part } = state;
  return {
    text,
    off,
    steering:
      scale === 0
        ? undefined
        : { layer, scale, toward: linesOf(state.toward), away: linesOf(state.away) },
    sampling: { temperature, topP, seed },
    attention: open.includes('heads'),
    lens: open.includes('lens'),
    pair: open.includes('pair') ? { text: other, part } : undefined,
  };
}

export function linesOf(list: string): string[] {
  return list.split('\n').filter((line) => line.trim() !== '');
}

interface Field {
  read(value: string): Partial<State>;
  write(state: State): string;
}

function textField(name: 'model' | 'text' | 'toward' | 'away' | 'other'): Field {
  return { read: (value) => ({ [name]: value }), write: (state) => state[name] };
}

type NumberName = 'temperature' | 'topP' | 'seed' | 'layer' | 'scale';

/** A number between two others; another is left out. */
function numberField(name: NumberName, least: number, most: number, isWhole = false): Field {
  return {
    read: (value) => {
      const number = value.trim() === '' ? NaN : Number(value);
      const isRight = number >= least && number <= most && (!isWhole || Number.isInteger(number));
      return isRight ? { [name]: number } : {};
    },
    write: (state) => String(state[name]),
  };
}

const fields: Readonly<Record<string, Field>> = {
  model: {
    read: (value) => (/^hf:[\w.-]+\/[\w.-]+(@.+)?$/.test(value) ? { model: value } : {}),
    write: ({ model }) => (model === own ? embedded : model),
  },
  text: textField('text'),
  temperature: numberField('temperature', 0, 2),
  topP: numberField('topP', 0.05, 1),
  seed: numberField('seed', 0, 2 ** 32 - 1, true),
  off: {
    read: (value) => ({ off: value.split(',').flatMap((one) => placeOf(one) ?? []) }),
    write: ({ off }) => off.map(nameOf).join(),
  },
  toward: textField('toward'),
  away: textField('away'),
  layer: numberField('layer', 0, 999, true),
  scale: numberField('scale', -mostScale, mostScale),
  head: {
    read: (value) => {
      const head = placeOf(value);
      return head === undefined ? {} : { head };
    },
    write: ({ head }) => nameOf(head),
  },
  other: textField('other'),
  part: {
    read: (value) => {
      const part = patchedParts.find((one) => one === value);
      return part === undefined ? {} : { part };
    },
    write: ({ part }) => part,
  },
  open: {
    read: (value) => ({ open: sectionNames.filter((name) => value.split(',').includes(name)) }),
    write: ({ open }) => open.join(),
  },
};

/** `2.0`: layer 2, head 0. */
export function nameOf({ layer, head }: HeadPlace): string {
  return `${layer}.${head}`;
}

function placeOf(name: string): HeadPlace | undefined {
  const [, layer, head] = /^(\d{1,3})\.(\d{1,3})$/.exec(name) ?? [];
  return layer === undefined ? undefined : { layer: Number(layer), head: Number(head) };
}
