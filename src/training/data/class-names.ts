// What classes are called in data, and the numbers that models know them by.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { invalidOption } from '../check.ts';

/** What is of a class. */
export interface ClassNamed {
  /** What its class is called, or its number. */
  readonly name: unknown;
  /** What it is, for messages. */
  readonly where: string;
}

/** Classes of things. */
export interface NumberedClasses {
  /** That of each of them. */
  readonly numbers: readonly number[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/**
 * The classes of things by their names, sorted where `given` does not list them; by their numbers where one of them has a
 * number, as such or in digits that are no name.
 * @throws TransformerError FILE_INVALID, INPUT_INVALID
 */
export function classesOf(
  named: readonly ClassNamed[],
  given: readonly string[] | undefined,
): NumberedClasses {
  const isNumber = (name: unknown): boolean =>
    typeof name === 'number' || (isDigits(name) && given?.includes(name) !== true);
  const isNumbered = named.some(({ name }) => isNumber(name));
  return (isNumbered ? classesByNumber : classesByName)(named, given);
}

function isDigits(name: unknown): name is string {
  return typeof name === 'string' && /^\d+$/.test(name);
}

function classesByNumber(
  named: readonly ClassNamed[],
  given: readonly string[] | undefined,
): NumberedClasses {
  const most = given?.length ?? Infinity;
  const numbers = named.map(({ name, where }) => {
    const label = isDigits(name) ? Number(name) : name;
    const isClass = Number.isSafeInteger(label) && Number(label) >= 0 && Number(label) < most;
    if (isClass) return Number(label);
    const wanted = given === undefined ? 'on' : `to ${most - 1}`;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name ?? null)}; others have numbers. Wanted the number of a class, from 0 ${wanted}.`,
    );
  });
  const count = numbers.reduce((greatest, number) => Math.max(greatest, number + 1), 0);
  return { numbers, labels: given ?? Array.from({ length: count }, (_, index) => String(index)) };
}

/** By their names, whatever these are. Errors: as `classesOf`. */
export function classesByName(
  named: readonly ClassNamed[],
  given: readonly string[] | undefined,
): NumberedClasses {
  const names = named.map(({ name, where }) => {
    if (typeof name === 'string' && name.trim() !== '') return name;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name ?? null)}; wanted the name of a class, or its number.`,
    );
  });
  const labels = given ?? [...new Set(names)].toSorted();
  const classes = new Map(labels.map((name, index) => [name, index]));
  const numbers = named.map(({ where }, index) => {
    const name = names[index] ?? '';
    const number = classes.get(name);
    if (number !== undefined) return number;
    const near = nearestName(name, labels);
    throw new TransformerError(
      'INPUT_INVALID',
      `${where} is of the class ${show(name)}, which is none of the labels, ${show(labels)}. ` +
        (near === undefined ? 'Rename it, or leave out labels.' : `Did you mean ${show(near)}?`),
    );
  });
  return { numbers, labels };
}

/** Refuses names of classes that are none; none at all are right. Errors: OPTION_INVALID. */
export function checkNames(labels: unknown): void {
  if (labels === undefined) return;
  const list = Array.isArray(labels) ? Array.from<unknown>(labels) : [];
  const isNames = list.every((name) => typeof name === 'string');
  if (isNames && list.length > 0 && new Set(list).size === list.length) return;
  throw invalidOption('labels', labels, 'a list of names, no two alike');
}
