// A template and its variables as text: what a template may call, and what is refused before it is read.

import { Environment, parse, tokenize } from '@huggingface/jinja';
import { Budget, OverBudget } from './chat-budget.ts';
import { PythonInterpreter } from './chat-interpreter.ts';
import { formatDate, textOf } from './chat-python.ts';

/** Templates have some ten thousand characters, and lines that a person can read. */
const mostSource = { characters: 2 ** 18, spaces: 256 };

/**
 * The text of a template with these variables. `messages` is the number of messages among them. Throws
 * what the template or its values cause; OverBudget where it takes too much.
 */
export function renderTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
  messages: number,
): string {
  // As Jinja reads them: ends of lines are one character, the last one does not count.
  const source = template.replaceAll(/\r\n?/g, '\n');
  // The engine looks for what follows spaces again from each of them.
  const spaces = new RegExp(`\\s{${mostSource.spaces}}`);
  if (source.length > mostSource.characters || spaces.test(source)) {
    throw new OverBudget(
      `has more than ${mostSource.characters} characters, or ${mostSource.spaces} spaces in a row`,
    );
  }
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  const scope = new Environment();
  const budget = new Budget(messages);
  for (const [name, value] of Object.entries({ ...globals(budget), ...variables })) {
    const made = scope.set(name, value);
    if (made.type === 'FunctionValue') bound(made as { value: Call }, budget);
    else budget.give(made);
  }
  return textOf(new PythonInterpreter(scope, budget, source.length).run(program));
}

type Value = ReturnType<Environment['lookupVariable']>;
type Call = (args: Value[], scope: Environment) => Value;

/** The engine makes data of arguments for a function: all of what lies in them counts. */
function bound(made: { value: Call }, budget: Budget): void {
  const call = made.value;
  made.value = (args, scope) => {
    for (const one of args) budget.work(one, 1, true);
    return call(args, scope);
  };
}

const globals = (budget: Budget): Record<string, unknown> => ({
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (reason: unknown): never => {
    throw new Error(String(reason));
  },
  strftime_now: (format: unknown): string => formatDate(new Date(), String(format)),
  range: (first: number, second?: number, step = 1): number[] => {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    const length = Math.max(0, Math.ceil((stop - start) / step));
    budget.range(length);
    return Array.from({ length }, (_, i) => start + i * step);
  },
});
