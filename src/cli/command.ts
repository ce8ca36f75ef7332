// What a command is, and what --help prints of it.

import type { Options } from './options.ts';

/** A call of a command, with what it prints. */
export interface Example {
  /** What stands behind `webgpu-transformer`, as in a shell. */
  readonly call: string;
  /** The answer, where it is the same everywhere. */
  readonly prints?: string;
}

export interface Command {
  /** How it is called: `classify SOURCE "TEXT"`. */
  readonly form: string;
  /** What it does, as part of a sentence. */
  readonly summary: string;
  /** What else there is to know, as sentences. */
  readonly details?: string;
  readonly options: Options;
  readonly examples: readonly Example[];
  /** Runs it with what stood behind its name. @throws TransformerError */
  run(args: readonly string[]): Promise<void>;
}

/** Where the model comes from, for the commands that take one as SOURCE. */
export const aboutSources =
  'SOURCE is a folder, a URL or hf:owner/name@revision. Without texts, lines of stdin are read as they come.';

const width = 80;

/** The help of one command. */
export function commandHelp({ form, summary, details, options, examples }: Command): string {
  const entries = Object.entries(options);
  return [
    `Usage: webgpu-transformer ${form}`,
    '',
    ...wrap(sentence(summary), 0),
    ...(details === undefined ? [] : wrap(details, 0)),
    ...(entries.length === 0 ? [] : ['', 'Options:']),
    ...entries.flatMap(([name, option]) => optionLines(name, option)),
    ...(examples.length === 0 ? [] : ['', 'Examples:']),
    ...examples.flatMap(({ call, prints }) => [
      `  webgpu-transformer ${call}`,
      ...(prints === undefined ? [] : prints.split('\n').map((line) => `      ${line}`)),
    ]),
  ].join('\n');
}

/** The list of all commands. */
export function overview(commands: ReadonlyMap<string, Command>): string {
  const names = [...commands.keys()];
  const column = Math.max(...names.map(({ length }) => length)) + 4;
  const line = ([name, { summary }]: [string, Command]): string[] =>
    wrap(summary, column).map((text, index) =>
      index === 0 ? `  ${name}`.padEnd(column) + text.trimStart() : text,
    );
  return [
    'Usage: webgpu-transformer COMMAND',
    '',
    ...[...commands].flatMap(line),
    '',
    'webgpu-transformer help COMMAND shows options and examples; --version the version.',
    'WEBGPU_TRANSFORMER_ADAPTER names the adapter to use: vulkan, metal, d3d12, opengles,',
    'swiftshader, lavapipe or llvmpipe. doctor lists what there is.',
  ].join('\n');
}

function optionLines(name: string, option: Options[string]): string[] {
  const value = 'value' in option ? ` ${option.value}` : '';
  const help = 'multiple' in option ? `${option.help}; repeatable` : option.help;
  const head = `  --${name}${value}`;
  const [first = '', ...more] = wrap(help, 26);
  return head.length < 26 ? [head.padEnd(26) + first.trimStart(), ...more] : [head, first, ...more];
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** Lines of a text, each indented by so many spaces. */
function wrap(text: string, indent: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (indent + last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => ' '.repeat(indent) + line);
}
