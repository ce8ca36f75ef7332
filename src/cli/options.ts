// Options of commands: read, with the nearest name for unknown ones, and checked.

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { TransformerError } from '../index.node.ts';
import { nearestName } from '../runtime/errors.ts';

/** Options of every command that runs a model on texts. */
export const taskOptions = {
  dtype: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Node's `parseArgs`. @throws TransformerError OPTION_UNKNOWN, and TypeErrors of `parseArgs` */
export function readOptions<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [, option] = /^Unknown option '(-[^']*)'/.exec((error as Error).message) ?? [];
    if (option === undefined) throw inOneLine(error as Error);
    const known = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    const nearest = nearestName(option, known);
    let hint = known.length === 0 ? 'There is none here.' : `Known: ${known.join(', ')}.`;
    if (nearest !== undefined) hint = `Did you mean "${nearest}"?`;
    throw new TransformerError('OPTION_UNKNOWN', `Unknown option '${option}'. ${hint}`);
  }
}

/** `parseArgs` explains some errors in several lines. */
function inOneLine(error: Error): Error {
  error.message = error.message.replaceAll('\n', ' ');
  return error;
}

/** A whole number of at least `least`; undefined when the option was not given. */
export function wholeOption(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 32) return value;
  const wanted = least === 0 ? 'a whole number' : `a whole number of at least ${least}`;
  throw new TransformerError('OPTION_INVALID', `${name} is "${text}"; wanted ${wanted}.`);
}

/** A number above 0, and at most `most`; undefined when the option was not given. */
export function positiveOption(
  name: string,
  text: string | undefined,
  most: number = Infinity,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0 && value <= most) return value;
  const limit = most === Infinity ? '' : `, ${most} at most`;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} is "${text}"; wanted a number above 0${limit}.`,
  );
}

/** The storage format of weights; undefined, as stored, when the option was not given. */
export function dtypeOption(dtype: string | undefined): 'f32' | 'f16' | undefined {
  if (dtype === undefined || dtype === 'f32' || dtype === 'f16') return dtype;
  throw new TransformerError('OPTION_INVALID', `--dtype is "${dtype}"; wanted f32 or f16.`);
}
