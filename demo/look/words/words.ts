// What the page says, in each of its languages.

import { byId } from '../../elements.ts';
import type { Refusal } from '../protocol.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { zh } from './zh.ts';

/** The texts that stand in the page. */
export type PlainWord =
  | 'title'
  | 'introduction'
  | 'language'
  | 'text'
  | 'textLabel'
  | 'tokens'
  | 'loading'
  | 'next'
  | 'temperature'
  | 'topP'
  | 'goesOn'
  | 'again'
  | 'plain'
  | 'time'
  | 'model'
  | 'loaded'
  | 'adapter'
  | 'copyLink'
  | 'showCode'
  | 'reset'
  | 'changes'
  | 'off'
  | 'noneOff'
  | 'steering'
  | 'scale'
  | 'direction'
  | 'behindLayer'
  | 'toward'
  | 'away'
  | 'steeringNote'
  | 'heads'
  | 'circuit'
  | 'circuitNote'
  | 'headsNote'
  | 'allHeads'
  | 'soon'
  | 'lens'
  | 'lensNote'
  | 'pair'
  | 'pairNote'
  | 'first'
  | 'second'
  | 'part'
  | 'yourModel'
  | 'modelNote'
  | 'address'
  | 'load'
  | 'chooseFolder'
  | 'embedded'
  | 'folder'
  | 'code'
  | 'copy'
  | 'close'
  | 'copied'
  | 'working'
  | 'failed'
  | 'noGpu'
  | 'lost'
  | 'reopen'
  | 'switchOff'
  | 'switchOn'
  | 'greedy'
  | 'ownLists'
  | 'mood'
  | 'gender'
  | 'speech'
  | 'wholeOutput'
  | 'attentionOutput'
  | 'feedForwardOutput'
  | 'beginning'
  | 'mapHint'
  | 'gridHint'
  | 'notInLink'
  | 'append'
  | 'translate'
  | 'train'
  | 'see'
  | 'hear'
  | 'look';

/** The texts that say a name or a number. Layers, heads and positions are counted from 1 on. */
export interface Sentences {
  readonly head: (layer: number, head: number) => string;
  readonly layer: (layer: number) => string;
  readonly axes: string;
  readonly mapLabel: (name: string) => string;
  readonly attends: (row: Node, column: Node, weight: Node) => (Node | string)[];
  readonly left: (left: number, read: number) => string;
  readonly nucleus: (count: number) => string;
  readonly loadingBytes: (loaded: string, total: string) => string;
  readonly facts: (layers: number, heads: number, width: number) => string;
  readonly lensCell: (layer: string, token: string) => string;
  readonly patchCell: (layer: string, token: string, value: string) => string;
  readonly measured: (target: string, against: string | undefined) => string;
  readonly refusals: Readonly<Record<Exclude<Refusal, 'tooLarge' | 'lengths'>, string>>;
  readonly tooLarge: (size: string, most: string) => string;
  readonly lengths: (first: number, second: number) => string;
}

export type Words = Readonly<Record<PlainWord, string>> & Sentences;

export type LanguageName = 'en' | 'fr' | 'de' | 'zh';

const languages: Readonly<Record<LanguageName, Words>> = { en, fr, de, zh };

/** The names of the languages, each in itself. */
export const languageNames: Readonly<Record<LanguageName, string>> = {
  en: 'English',
  fr: 'Français',
  de: 'Deutsch',
  zh: '中文',
};

export function isLanguage(name: string): name is LanguageName {
  return Object.hasOwn(languages, name);
}

/** The first language of the visitor that the page has. */
export function preferredLanguage(): LanguageName {
  const codes = navigator.languages.map((name) => name.slice(0, 2));
  return codes.find(isLanguage) ?? 'en';
}

/** Puts the words of a language into the page. */
export function speak(name: LanguageName): Words {
  const words = languages[name];
  document.documentElement.lang = name === 'zh' ? 'zh-Hans' : name;
  const isWord = (word: string | undefined): word is PlainWord =>
    word !== undefined && word in words;
  for (const element of document.querySelectorAll<HTMLElement>('[data-word]')) {
    const { word } = element.dataset;
    if (isWord(word)) element.textContent = words[word];
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-label]')) {
    const { label } = element.dataset;
    if (isWord(label)) element.ariaLabel = words[label];
  }
  document.title = `${words.title} · webgpu-transformer`;
  byId('language', HTMLSelectElement).value = name;
  return words;
}
