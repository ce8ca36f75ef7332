// Keeps what Dawn prints about its own limits off stderr. Dawn writes it past Node, with no way to
// switch it off, so on Linux, where it does, a command that opens an adapter runs in a child process
// whose stderr is read here: those lines are dropped, and everything else is passed on.

import { fork } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { isatty, WriteStream } from 'node:tty';

/** Every adapter of Vulkan and OpenGL ES has more of these than Dawn counts up to. */
const noise =
  /^Warning: maxDynamic(?:Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\r?\n/;

/** What opens no adapter. */
const without: ReadonlySet<string | undefined> = new Set([
  undefined,
  'help',
  'info',
  '--help',
  '-h',
  '--version',
]);

/** Where the child finds the terminal that stderr is, behind the channel to its parent. */
const terminal = 4;

/** Whether a call is to run in a child. */
export function isRelayed(args: readonly string[]): boolean {
  if (process.platform !== 'linux' || 'bun' in process.versions || 'deno' in process.versions) {
    return false;
  }
  return process.send === undefined && !without.has(args[0]);
}

/** Runs the call in a child, and ends as it ends. */
export async function relay(args: readonly string[]): Promise<void> {
  const child = fork(process.argv[1] ?? '', args, {
    stdio: ['inherit', 'inherit', 'pipe', 'ipc', 2],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  // A terminal sends Ctrl-C to both; the child takes two at once for one.
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  // Nobody may be left to read what is passed on.
  process.stderr.on('error', () => undefined);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    const { passed, kept } = withoutNoise(rest + decoder.write(bytes));
    process.stderr.write(passed);
    rest = kept;
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.stderr.write(rest);
      process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
      resolve();
    });
  });
  for (const signal of signals) process.removeAllListeners(signal);
}

/** What may be passed on of a text, and the beginning of a line that may still become noise. */
export function withoutNoise(text: string): { readonly passed: string; readonly kept: string } {
  const lines = text.split(/(?<=\n)/);
  const last = lines.at(-1) ?? '';
  const begins = 'Warning: maxDynamic';
  const isOpen = !last.endsWith('\n') && (begins.startsWith(last) || last.startsWith(begins));
  const kept = isOpen ? (lines.pop() ?? '') : '';
  return { passed: lines.filter((line) => !noise.test(line)).join(''), kept };
}

/** In a child: ends with its parent, and shows progress on the terminal that stderr is. */
export function takeTerminal(): void {
  if (process.send === undefined) return;
  process.on('disconnect', () => process.exit());
  process.channel?.unref();
  if (!isatty(terminal)) return;
  Object.defineProperty(process, 'stderr', {
    value: new WriteStream(terminal),
    configurable: true,
  });
}
