// Labels that nobody trained, and the sentences that stand for them.

import { TransformerError } from '../runtime/errors.ts';

/** Labels as a list, or one string with commas between them. Errors: INPUT_INVALID. */
export function checkLabels(given: unknown): readonly string[] {
  const list: unknown =
    typeof given === 'string' ? given.split(',').filter((label) => label.trim() !== '') : given;
  const labels: readonly unknown[] = Array.isArray(list) ? Array.from<unknown>(list) : [];
  const names = labels.map((label) => (typeof label === 'string' ? label.trim() : ''));
  if (names.length > 0 && !names.includes('')) return names;
  throw new TransformerError(
    'INPUT_INVALID',
    'candidateLabels has no labels, or an empty one; wanted strings such as ["news", "sport"].',
  );
}

/** What makes a sentence of a label, which stands in place of `{}`. Errors: OPTION_INVALID. */
export function hypotheses(template: string): (label: string) => string {
  if (template.includes('{}')) return (label) => template.replaceAll('{}', () => label);
  throw new TransformerError(
    'OPTION_INVALID',
    `hypothesisTemplate is "${template}"; wanted a sentence with {} where the label goes.`,
  );
}
