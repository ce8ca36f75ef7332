// What tokens of tests go on from, for layers that keep a state.

import { hiddenSlot } from '../../src/shaders/attention/decode/attention-decode.ts';
import type { TokenMemory } from '../../src/shaders/recurrence/token-memory.ts';
import type { Bench } from './check.ts';
import type { Random } from './random.ts';

export interface MemoryCase {
  /** Tokens of the list. */
  readonly tokens: number;
  /** The place of each sequence's first token, and how many tokens it has of the list's. */
  readonly places: readonly (readonly [first: number, own: number])[];
  readonly width: number;
  /** How many tokens are kept. */
  readonly kept: number;
  /** The row that each sequence has of a cache of other sequences besides; null for nobody's. */
  readonly states?: readonly (number | null)[] | undefined;
}

const capacity = 31;

/** Drawn states; tables with padding before and holes, and where steps go on from other sequences. */
export function memoryOf(
  bench: Bench,
  random: Random,
  { tokens, places, width, kept, states }: MemoryCase,
): TokenMemory {
  const rows = places.length;
  const table = new Uint32Array(rows * capacity);
  const list: number[] = [];
  places.forEach(([first, own], row) => {
    for (let place = 0; place < capacity; place++) {
      const isHidden = (row + place) % 7 === 3;
      // Beams stand at the same place; what is fed in pieces is its own.
      const alike = places.findIndex(([other]) => other === first);
      const writer =
        tokens === 1 && place < first ? alike + ((place * 3) % (row - alike + 1)) : row;
      table[row * capacity + place] = isHidden ? hiddenSlot : place * rows + writer;
    }
    for (let token = 0; token < tokens; token++) {
      list.push(first + token, token < own ? first + token : capacity);
    }
  });
  const cached =
    1 + (states ?? [...places.keys()]).reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  return {
    cache: bench.input(
      'cache',
      [cached, kept * width + 5],
      random.values(cached * (kept * width + 5), { outliers: 0 }),
    ),
    start: 3,
    table: bench.input('table', [rows, capacity], table),
    ...(states && {
      states: bench.input(
        'states',
        [rows],
        Uint32Array.from(states, (row) => row ?? hiddenSlot),
      ),
    }),
    place: bench.input('place', [rows, tokens, 2], Uint32Array.from(list)),
  };
}
