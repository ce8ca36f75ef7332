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
      const name = args[0] !== undefined && commands.has(args[0]) ? ` ${args[0]}` : '';
      console.error(`Try: webgpu-transformer help${name}`);
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

async function dispatch([name, ...args]: readonly string[]): Promise<void> {
  const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';
  if (name === '--version') {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    console.log(manifest.version);
    return;
  }
  if (name === undefined || name === 'help' || isHelp(name)) {
    const [about] = args;
    console.log(about === undefined ? overview(commands) : commandHelp(commandOf(about)));
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
  const nearest = nearestName(name, [...commands.keys()]);
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  throw new UsageError(
    `Unknown command "${name}". A command comes first.${hint}`,
    'OPTION_UNKNOWN',
  );
}
