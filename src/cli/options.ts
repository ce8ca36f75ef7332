// Options of commands: declared with what --help says of them, read, and checked.

import { parseArgs } from 'node:util';
import { TransformerError } from '../index.node.ts';
import { type WeightFormatName, weightFormatNames } from '../model/weights/asked-formats.ts';
import { nearestName } from '../runtime/errors.ts';

/** An option with a value, which --help calls N or TEXT. */
export interface TextOption {
  readonly type: 'string';
  readonly value: string;
  readonly help: string;
}

/** One that may be given several times. */
export interface ListOption extends TextOption {
  readonly multiple: true;
}

export interface FlagOption {
  readonly type: 'boolean';
  readonly help: string;
}

export type Options = Readonly<Record<string, TextOption | ListOption | FlagOption>>;

type Values<Own extends Options> = {
  readonly [Name in keyof Own]: Own[Name] extends FlagOption
    ? boolean
    : (Own[Name] extends ListOption ? readonly string[] : string) | undefined;
};

export function textOption(value: string, help: string): TextOption {
  return { type: 'string', value, help };
}

export function listOption(value: string, help: string): ListOption {
  return { type: 'string', multiple: true, value, help };
}

export function flagOption(help: string): FlagOption {
  return { type: 'boolean', help };
}

/** A command that was called wrongly. */
export class UsageError extends TransformerError {
  constructor(message: string, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN' = 'OPTION_INVALID') {
    super(code, message);
  }
}

/** Options of every command that runs a model on texts. */
export const taskOptions: {
  readonly adapter: TextOption;
  readonly dtype: TextOption;
  readonly json: FlagOption;
  readonly quiet: FlagOption;
} = {
  adapter: textOption('DIR', 'a low-rank adapter (LoRA) beside its weights'),
  dtype: textOption(weightFormatNames.join(' | '), 'how weights are stored on the GPU (as stored)'),
  json: flagOption('print a JSON object a line, with what it is of'),
  quiet: flagOption('print results only, no progress'),
};

/** What texts are given to a model with. */
export const promptOptions: { readonly prompt: TextOption; readonly 'prompt-name': TextOption } = {
  prompt: textOption(
    'TEXT',
    "said before the text, or to a model that judges (the checkpoint's own)",
  ),
  'prompt-name': textOption('NAME', 'the same, by the name that the checkpoint has for it: query'),
};

/** As tasks take them. */
export function promptValues(values: Values<typeof promptOptions>): {
  prompt?: string;
  promptName?: string;
} {
  const { prompt, 'prompt-name': promptName } = values;
  return {
    ...(prompt !== undefined && { prompt }),
    ...(promptName !== undefined && { promptName }),
  };
}

export function topKOption(usual: string): TextOption {
  return textOption('N', `so many, the best first (${usual})`);
}

/** Before a text that only looks like an option. Arguments of a process cannot hold it. */
const shield = '\0';

/**
 * Node's `parseArgs`. What begins with a dash and is no option, such as -5 °C, is a text, and so is
 * everything behind `--`.
 * @throws UsageError
 */
export function readOptions<Own extends Options>(
  args: readonly string[],
  options: Own,
): { readonly values: Values<Own>; readonly positionals: readonly string[] } {
  const end = args.indexOf('--');
  const isText = (arg: string, index: number): boolean =>
    index !== end &&
    (end === -1 || index < end) &&
    /^-./s.test(arg) &&
    !/^--?[a-z][\w-]*(=.*)?$/is.test(arg);
  const shielded = args.map((arg, index) => (isText(arg, index) ? shield + arg : arg));
  const bare = (value: string): string => value.replace(shield, '');
  const bareValue = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(bareValue);
    return typeof value === 'string' ? bare(value) : value;
  };
  try {
    const parsed = parseArgs({ args: shielded, allowPositionals: true, options });
    const given: Readonly<Record<string, unknown>> = parsed.values;
    const values = Object.entries(options).map(([name, { type }]): [string, unknown] => [
      name,
      bareValue(given[name] ?? (type === 'boolean' ? false : undefined)),
    ]);
    return {
      values: Object.fromEntries(values) as Values<Own>,
      positionals: parsed.positionals.map(bare),
    };
  } catch (error) {
    throw usageErrorOf(error, options);
  }
}

/** What the parser found wrong, in one line. */
function usageErrorOf(error: unknown, options: Options): unknown {
  const isParser = error instanceof TypeError && 'code' in error;
  if (!isParser || !String(error.code).startsWith('ERR_PARSE_ARGS')) return error;
  const [, option] = /^Unknown option '(-[^']*)'/.exec(error.message) ?? [];
  if (option === undefined) {
    return new UsageError(error.message.replaceAll('\n', ' ').replaceAll(shield, ''));
  }
  const known = Object.keys(options).map((name) => `--${name}`);
  const nearest = nearestName(option, known);
  let hint = known.length === 0 ? 'There is none here.' : `Known: ${known.join(', ')}.`;
  if (nearest !== undefined) hint = `Did you mean "${nearest}"?`;
  return new UsageError(`Unknown option '${option}'. ${hint}`, 'OPTION_UNKNOWN');
}

/** A whole number of at least `least`; undefined when the option was not given. */
export function wholeOption(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < 2 ** 32) return value;
  const wanted = least === 0 ? 'a whole number' : `a whole number of at least ${least}`;
  throw new UsageError(`${name} is "${text}"; wanted ${wanted}.`);
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
  throw new UsageError(`${name} is "${text}"; wanted a number above 0${limit}.`);
}

/** One of some names; undefined when the option was not given. */
export function choiceOption<const Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): Name | undefined {
  if (text === undefined) return undefined;
  const name = names.find((one) => one === text);
  if (name !== undefined) return name;
  throw new UsageError(`${option} is "${text}"; wanted ${names.join(' or ')}.`);
}

/** The storage format of weights; undefined, as stored, when the option was not given. */
export function dtypeOption(dtype: string | undefined): WeightFormatName | undefined {
  return choiceOption('--dtype', dtype, weightFormatNames);
}

/** The model and the texts that a command was given. `form` says how it is called. */
export function sourceAndTexts(
  [source, ...texts]: readonly string[],
  form: string,
): { source: string; texts: readonly string[] } {
  if (source !== undefined && source.trim() !== '') return { source, texts };
  throw new UsageError(`No model is named. Pass a folder, a URL or hf:owner/name first: ${form}`);
}

/** Refuses what a command takes no texts for. */
export function noTexts(positionals: readonly string[]): void {
  const [first] = positionals;
  if (first === undefined) return;
  throw new UsageError(`Unexpected argument '${first}'. This command takes options only.`);
}

/** The fields that have a value. */
export function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}
