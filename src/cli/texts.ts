// The texts of a command: those on the command line, else lines of stdin as they come.

import { createInterface } from 'node:readline';
import { addAbortSignal, type Readable } from 'node:stream';
import { UsageError } from './options.ts';

/** Where lines come from: `process.stdin`, or what a test sends. */
export type Input = Readable & { readonly isTTY?: boolean };

/**
 * Texts in groups that are there at once: all that were given, or the lines that arrived together.
 * A terminal is asked line by line. Errors: AbortError; UsageError when elsewhere there is no text.
 */
export async function* textGroups(
  given: readonly string[],
  signal: AbortSignal,
  input: Input = process.stdin,
): AsyncGenerator<readonly string[], void, undefined> {
  let any = false;
  for await (const texts of groups(given, signal, input)) {
    any ||= texts.length > 0;
    if (texts.length > 0) yield texts;
  }
  if (any || signal.aborted || input.isTTY === true) return;
  throw noText();
}

function noText(): UsageError {
  return new UsageError('There is no text. Pass it in quotes, or on stdin.');
}

async function* groups(
  given: readonly string[],
  signal: AbortSignal,
  input: Input,
): AsyncGenerator<readonly string[]> {
  if (given.length > 0) yield given;
  else if (input.isTTY === true) yield* askedLines(signal, input);
  else yield* arrivingLines(signal, input);
}

async function* arrivingLines(
  signal: AbortSignal,
  input: Input,
): AsyncGenerator<readonly string[]> {
  let rest = '';
  addAbortSignal(signal, input);
  input.setEncoding('utf8');
  for await (const chunk of input) {
    // What has come is looked at once, however long a line grows.
    const [begun = '', ...lines] = String(chunk).split('\n');
    rest += begun;
    if (lines.length === 0) continue;
    lines.unshift(rest);
    rest = lines.pop() ?? '';
    yield lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  }
  if (rest !== '') yield [rest];
}

/** Asks on stderr, so that stdout holds results alone. Empty lines are asked again. */
async function* askedLines(signal: AbortSignal, input: Input): AsyncGenerator<readonly string[]> {
  const lines = createInterface({ input, output: process.stderr, prompt: '> ', signal });
  // A terminal in line editing sends no signal for Ctrl-C.
  lines.on('SIGINT', () => process.emit('SIGINT', 'SIGINT'));
  try {
    lines.prompt();
    for await (const line of lines) {
      if (line.trim() !== '') yield [line];
      lines.prompt();
    }
    // Behind the prompt that Ctrl-D has ended.
    process.stderr.write('\n');
  } finally {
    lines.close();
  }
}

/** The texts that were given, else all of stdin as one. Errors: AbortError; UsageError without text. */
export async function textsOrInput(
  given: readonly string[],
  signal: AbortSignal,
  input: Input = process.stdin,
): Promise<readonly string[]> {
  const texts = given.length > 0 ? given : [await wholeInput(signal, input)];
  if (texts.some((text) => text.trim() !== '')) return texts;
  throw noText();
}

/** All of stdin as one text, without the line break at its end. Errors: AbortError. */
async function wholeInput(signal: AbortSignal, input: Input): Promise<string> {
  let text = '';
  addAbortSignal(signal, input);
  input.setEncoding('utf8');
  for await (const chunk of input) text += String(chunk);
  return text.replace(/\r?\n$/, '');
}
