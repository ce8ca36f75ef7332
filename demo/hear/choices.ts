// In which language a visitor speaks, and in which the words are written.

import { byId, create } from '../elements.ts';
import { languageName } from '../examples.ts';
import type { Choices } from './recognizer.ts';

const language = byId('language', HTMLSelectElement);
const task = byId('task', HTMLSelectElement);

export function chosen(): Choices {
  return {
    language: language.value === '' ? undefined : language.value,
    task: task.value === 'translate' ? 'translate' : 'transcribe',
  };
}

/** Offers languages by their codes; a model that knows English alone has none. The chosen one stays if it can. */
export function offerLanguages(codes: readonly string[]): void {
  const before = language.value;
  const options = codes
    .map((value) => ({ value, text: languageName(value, 'en') }))
    .toSorted((a, b) => a.text.localeCompare(b.text, 'en'))
    .map(({ value, text }) => create('option', { value }, text));
  const any = create('option', { value: '' }, 'As it is heard');
  language.replaceChildren(any, ...options);
  language.value = codes.includes(before) ? before : '';
  byId('choices', HTMLFieldSetElement).disabled = codes.length === 0;
}
