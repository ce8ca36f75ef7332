// What the metrics check before they count: texts, their references, and values of options.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

/**
 * The references of all hypotheses: entry i is the reference of hypothesis i, or a list of them.
 * (sacreBLEU's lists are the other way round: its entry k holds reference k of every hypothesis.)
 */
export type References = readonly (string | readonly string[])[];

/** A hypothesis with its references, of which there is at least one. */
export interface Pair {
  readonly hypothesis: string;
  readonly references: readonly string[];
}

/** Each hypothesis beside its references. `metric` names the caller. Errors: INPUT_INVALID. */
export function pairTexts(metric: string, hypotheses: unknown, references: unknown): Pair[] {
  const texts = checkArray(metric, 'hypotheses', hypotheses);
  const lists = checkArray(metric, 'references', references);
  if (texts.length !== lists.length) {
    throw inputInvalid(
      metric,
      `got ${texts.length} hypotheses and ${lists.length} references; wanted as many of both. ` +
        'Where a hypothesis has several references, put them in one inner array',
    );
  }
  if (texts.length === 0) throw inputInvalid(metric, 'got no texts. Pass at least one pair');
  return texts.map((text, i) => {
    const list = lists[i];
    const several = Array.isArray(list) ? Array.from(list as readonly unknown[]) : [list];
    if (several.length === 0) {
      throw inputInvalid(metric, `references[${i}] is an empty array; wanted at least one text`);
    }
    const name = (k: number): string => `references[${i}]${Array.isArray(list) ? `[${k}]` : ''}`;
    return {
      hypothesis: checkText(metric, `hypotheses[${i}]`, text),
      references: several.map((one, k) => checkText(metric, name(k), one)),
    };
  });
}

/** An array, or INPUT_INVALID. */
export function checkArray(metric: string, name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return Array.from(value as readonly unknown[]);
  throw inputInvalid(metric, `${name} is ${kindOf(value)}; wanted an array`);
}

/** A string, or INPUT_INVALID. */
export function checkText(metric: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw inputInvalid(metric, `${name} is ${kindOf(value)}; wanted a string`);
}

/** One of the `known` values of an option, or OPTION_INVALID with the nearest. */
export function checkChoice<Name extends string>(
  option: string,
  value: unknown,
  known: readonly Name[],
): Name {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  const nearest = typeof value === 'string' ? nearestName(value, known) : undefined;
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  const got = typeof value === 'string' ? show(value) : kindOf(value);
  throw new TransformerError(
    'OPTION_INVALID',
    `${option} is ${got}; wanted one of ${known.join(', ')}.${hint}`,
  );
}

/** An option that is true or false. Errors: OPTION_INVALID. */
export function checkSwitch(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw optionInvalid(option, value, 'true or false');
}

/** An option that is a function, or absent. Errors: OPTION_INVALID. */
export function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw optionInvalid(option, value, 'a function');
}

/** An option that is a finite number above 0. Errors: OPTION_INVALID. */
export function checkPositive(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw optionInvalid(option, value, 'a finite number above 0');
}

/** An option that is an order of n-grams, not below `least`. Errors: OPTION_INVALID. */
export function checkOrder(option: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= 1000) {
    return Number(value);
  }
  throw optionInvalid(option, value, `a whole number from ${least} to 1000`);
}

/** INPUT_INVALID in the name of a metric. `what` has no full stop. */
export function inputInvalid(metric: string, what: string): TransformerError {
  return new TransformerError('INPUT_INVALID', `${metric}: ${what}.`);
}

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isNaN(value) ? 'not a number' : String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function optionInvalid(option: string, value: unknown, wanted: string): TransformerError {
  return new TransformerError('OPTION_INVALID', `${option} is ${kindOf(value)}; wanted ${wanted}.`);
}
