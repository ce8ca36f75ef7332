// What the choice of tokens goes by, for tests: settings, flags, tokens so far.

import type { Tensor } from '../../src/runtime/tensor.ts';
import { neutralRules, packRules, ruleCount, type Rules } from '../../src/shaders/choice/rules.ts';
import type { ChoiceState } from '../../src/shaders/choice/token-rules.ts';
import type { Bench } from './check.ts';

export interface Choice {
  /** The settings of all rows, or of each. */
  readonly rules?: Partial<Rules> | ((row: number) => Partial<Rules>);
  /** Flags of tokens, (V). */
  readonly flags?: Uint32Array<ArrayBuffer>;
  /** The tokens so far, of equal number in each row. */
  readonly history: readonly (readonly number[])[];
  /** Tokens a row of the history has room for; two more than there are when absent. */
  readonly pitch?: number;
  /** Tokens of padding in front of each row; 0 when absent. */
  readonly starts?: readonly number[];
}

/** The choice as tensors of a bench. What the history has room for besides is a token, too. */
export function choiceState(
  bench: Bench,
  { rules = {}, flags, history, pitch, starts = history.map(() => 0) }: Choice,
): ChoiceState & { history: Tensor } {
  const rows = history.length;
  const length = history[0]!.length;
  const room = pitch ?? length + 2;
  const tokens = history.flatMap((row) => [...row, ...Array<number>(room - length).fill(1)]);
  const places = history.flatMap((_, row) => [length - 1 - (row % length), length - 1]);
  return {
    place: bench.input('place', [rows, 1, 2], Uint32Array.from(places)),
    rules: rulesInput(
      bench,
      starts.map((padding, row) => ({
        padding,
        ...(typeof rules === 'function' ? rules(row) : rules),
      })),
    ),
    flags: flags && bench.input('flags', [1, flags.length], flags),
    history: bench.input('history', [rows, room], Uint32Array.from(tokens)),
  };
}

/** A row of rules for each sequence, which draws where draws are recorded, each its own. */
export function rulesInput(bench: Bench, rows: readonly Partial<Rules>[]): Tensor {
  const words = rows.map((rules, stream) =>
    packRules({ ...neutralRules, draws: 1, stream, ...rules }),
  );
  return bench.input(
    'rules',
    [rows.length, ruleCount],
    Uint32Array.from(words.flatMap((w) => [...w])),
  );
}

/** A flag for each token of a vocabulary: the sum of those whose lists name it. */
export function flagsOf(
  vocabulary: number,
  lists: readonly (readonly [flag: number, tokens: readonly number[]])[],
): Uint32Array<ArrayBuffer> {
  const flags = new Uint32Array(vocabulary);
  for (const [flag, tokens] of lists) for (const token of tokens) flags[token]! |= flag;
  return flags;
}
