// The tokens of a text, each seen as one.

import { create } from '../elements.ts';
import { visible } from '../heat-map.ts';
import type { Token } from './protocol.ts';

export function showTokens(list: HTMLElement, tokens: readonly Token[]): void {
  list.replaceChildren(
    ...tokens.map(({ id, text }) => create('li', { title: String(id) }, visible(text))),
  );
}

/** A token among words. */
export function quoted(text: string): string {
  return `«${visible(text)}»`;
}
