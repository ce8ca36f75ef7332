// The fields of a request, each checked as it is read, and refused by its name.

import { nearestName } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { isObject, type JsonObject, show } from '../source/json.ts';
import { type ApiError, wrongField } from './api-error.ts';

/** Fields of requests that say nothing to a model: who asks, and what the asker notes. */
const notes = ['user', 'safety_identifier', 'prompt_cache_key', 'metadata'];

/** The fields of a request. What is null counts as not given, as clients have it. */
export class Fields {
  readonly #values: JsonObject;

  /** @throws ApiError where the body is no object, or has fields that are not known */
  constructor(body: unknown, known: readonly string[]) {
    if (!isObject(body)) {
      throw wrongField('', 'The body is no JSON object.', 'invalid_type');
    }
    this.#values = body;
    for (const [name, value] of Object.entries(body)) {
      if (value === null || known.includes(name) || notes.includes(name)) continue;
      throw unknownField(name, known);
    }
  }

  get(name: string): unknown {
    return (Object.hasOwn(this.#values, name) ? this.#values[name] : undefined) ?? undefined;
  }

  /** A text. */
  text(name: string): string | undefined {
    return this.#checked(name, 'a string', (value) => typeof value === 'string');
  }

  flag(name: string): boolean | undefined {
    return this.#checked(name, 'true or false', (value) => typeof value === 'boolean');
  }

  number(name: string, least: number, most: number): number | undefined {
    const wanted = most === Infinity ? `${least} or more` : `from ${least} to ${most}`;
    return this.#checked(
      name,
      `a number, ${wanted}`,
      (value): value is number =>
        typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most,
    );
  }

  whole(name: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const wanted = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    return this.#checked(
      name,
      `a whole number, ${wanted}`,
      (value): value is number =>
        Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
    );
  }

  choice<const Name extends string>(name: string, among: readonly Name[]): Name | undefined {
    return this.#checked(name, among.map((one) => show(one)).join(' or '), (value): value is Name =>
      among.some((one) => one === value),
    );
  }

  object(name: string): JsonObject | undefined {
    return this.#checked(name, 'an object', isObject);
  }

  objects(name: string): JsonObject[] | undefined {
    return this.#checked(name, 'a list of objects', (value) => isListOf(value, isObject));
  }

  /** One text or several, as a list. */
  texts(name: string): string[] | undefined {
    const isText = (value: unknown): value is string => typeof value === 'string';
    const found = this.#checked(
      name,
      'a string or a list of strings, and not an empty one',
      (value): value is string | string[] =>
        isText(value) || (isListOf(value, isText) && value.length > 0),
    );
    return found === undefined ? undefined : [found].flat();
  }

  /** A value that must be there. */
  required<Value>(name: string, value: Value | undefined): Value {
    if (value !== undefined) return value;
    throw wrongField(name, `${name} is missing.`, 'missing_required_parameter');
  }

  /** Refuses a field that this server cannot follow, but for values that change nothing. */
  only(name: string, values: readonly unknown[], why: string): void {
    const value = this.get(name);
    if (value === undefined || values.includes(value)) return;
    throw wrongField(name, `${name} is ${show(value)}: ${why}`, 'unsupported_value');
  }

  wrong(name: string, wanted: string): ApiError {
    return wrongField(name, `${name} is ${show(this.get(name))}; wanted ${wanted}.`);
  }

  #checked<Value>(
    name: string,
    wanted: string,
    fits: (value: unknown) => value is Value,
  ): Value | undefined {
    const value = this.get(name);
    if (value === undefined || fits(value)) return value;
    throw this.wrong(name, wanted);
  }
}

function unknownField(name: string, known: readonly string[]): ApiError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean ${nearest}?`;
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return wrongField(shown, `There is no field ${shown} here. ${hint}`, 'unknown_parameter');
}
