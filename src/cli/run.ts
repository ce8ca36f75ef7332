// Finds the command that was called, runs it, and says what went wrong.

import { TransformerError } from '../index.node.ts';
import { nearestName } from '../runtime/errors.ts';
import { redact, redactCause } from '../runtime/redact.ts';
import { commandHelp, overview } from './command.ts';
import { commands } from './commands.ts';
import { UsageError } from './options.ts';

/** Exit statuses: a call that cannot be understood, and all other failures. */
const status = { usage: 2, failure: 1 } as const;

/** Runs the command line. Sets the exit status, and never throws. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    await dispatch(args);
  } catch (error) {
    console.error(textOf(error));
    const isUsage = error instanceof TransformerError && error.code.startsWith('OPTION_');
    process.exitCode = isUsage ? status.usage : status.failure;
    if (isUsage) {
      const { name } = called(args);
      console.error(`Try: webgpu-transformer help${commands.has(name) ? ` ${name}` : ''}`);
    }
  }
}

/** What this library says, and the system of its files and streams, is for the user; all else is a defect. */
function textOf(error: unknown): unknown {
  if (error instanceof TransformerError) return error.message;
  if (!(error instanceof Error && 'syscall' in error)) return redactCause(error);
  return redact(
    `${error.message}. Check the file or stream, its rights, and the space on its disk.`,
  );
}

/** The command that words begin with, whose name may be two of them, and what stands behind it. */
function called(words: readonly string[]): { name: string; args: readonly string[] } {
  const two = words.slice(0, 2).join(' ');
  const length = commands.has(two) ? 2 : 1;
  return { name: words.slice(0, length).join(' '), args: words.slice(length) };
}

async function dispatch(words: readonly string[]): Promise<void> {
  const { name, args } = called(words);
  const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';
  if (name === '--version') {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    console.log(manifest.version);
    return;
  }
  if (words.length === 0 || name === 'help' || isHelp(name)) {
    const { name: about } = called(args);
    console.log(args.length === 0 ? overview(commands) : commandHelp(commandOf(about)));
    return;
  }
  const command = commandOf(name);
  const end = args.indexOf('--');
  if (args.slice(0, end === -1 ? args.length : end).some(isHelp)) {
    console.log(commandHelp(command));
    return;
  }
  await command.run(args);
}

function commandOf(name: string): ReturnType<typeof commands.get> & {} {
  const command = commands.get(name);
  if (command !== undefined) return command;
  const names = [...commands.keys()];
  const kin = names.filter((one) => one.startsWith(`${name} `));
  const nearest = kin.length > 0 ? kin.join('" or "') : nearestName(name, names);
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new UsageError(
    `Unknown command "${name}". A command comes first.${hint}`,
    'OPTION_UNKNOWN',
  );
}
