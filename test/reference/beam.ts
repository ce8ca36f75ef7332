// One step of beam search, from the log-probabilities of each beam's next token to the new beams:
// Hugging Face's `_beam_search`, in plain lists.

import { gumbel } from './choose-token.ts';
import { flagsOf, lengthOf, lowest, rowsOf, settingsOf } from './token-rules.ts';
import { floats, integers, type Reference, scalar } from './twin.ts';

const none = 2 ** 32 - 1;

/** Sums are f32, so that candidates can be compared to the last bit. */
export const beamCandidates: Reference = {
  twin: (inputs, params, constants) => {
    const count = Number(constants['CANDIDATES']);
    const words = rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).flatMap((row, i) => {
      const setting = settingsOf(inputs, i);
      const before = floats(inputs, 'score')[i]!;
      const list = row.map((value, column) => {
        const hidden = value === lowest || before === lowest;
        const score = hidden ? lowest : Math.fround(value + before);
        const noise =
          constants['HAS_NOISE'] === true && !hidden
            ? gumbel(setting('seed'), lengthOf(inputs, i) - 1, setting('stream'), column)
            : 0;
        return { column, score, rank: Math.fround(score + noise) };
      });
      const best = list.toSorted((a, b) => b.rank - a.rank).slice(0, count);
      while (best.length < count) best.push({ column: -1, score: lowest, rank: lowest });
      return best.flatMap(({ column, score, rank }) => [
        column,
        score,
        rank,
        column >= 0 && (flagsOf(inputs, i, row.length)[column]! & 8) !== 0 ? 1 : 0,
      ]);
    });
    return { candidates: Float64Array.from(words) };
  },
  conditions: (inputs, params, constants) => {
    const { candidates } = beamCandidates.twin(inputs, params, constants);
    const noisy = constants['HAS_NOISE'] === true;
    const magnitude = floats({ candidates }, 'candidates').map((value, i) =>
      noisy && i % 4 === 2 && value > lowest ? 30 + Math.abs(value) : 0,
    );
    return { candidates: { length: 1, magnitude } };
  },
};

interface Hypothesis {
  readonly score: number;
  readonly length: number;
  readonly number: number;
}

/** Older hypotheses are greater; a place without one is the least. */
const age = ({ number }: Hypothesis): number => (number === 0 ? -Infinity : -number);

export const beamStep: Reference = {
  twin: (inputs, params, constants) => {
    const [beams, count] = [Number(constants['BEAMS']), Number(constants['CANDIDATES'])];
    const candidates = rowsOf(floats(inputs, 'candidates'), 4);
    const score = floats(inputs, 'score').slice();
    const tokens = integers(inputs, 'tokens').slice();
    const hypotheses = floats(inputs, 'hypotheses').slice();
    const moves = new Uint32Array(3 * score.length);
    const stride = 2 + 3 * beams;
    for (let item = 0; item < scalar(params, 'items'); item++) {
      const first = item * beams;
      const setting = settingsOf(inputs, first);
      const norms = floats(inputs, 'norms').subarray(item * scalar(params, 'pitch'));
      const length = lengthOf(inputs, first) + 1;
      const generated = length - setting('promptLength');
      const state = hypotheses.subarray(item * stride, (item + 1) * stride);
      const perLength = (value: number, size: number): number =>
        value <= lowest ? lowest : Math.fround(value / norms[size]!);
      const kept = Array.from({ length: beams }, (_, j): Hypothesis => {
        const [own, size, number] = state.subarray(2 + 3 * j);
        return { score: own!, length: size!, number: number! };
      });
      const worst = (): number =>
        kept.indexOf(kept.toSorted((a, b) => a.score - b.score || age(a) - age(b))[0]!);
      for (let j = 0; j < beams; j++) moves.set([first + j, none, none], 3 * (first + j));
      if (state[0] === 1) {
        score.fill(0, first, first + beams);
        tokens.fill(setting('padToken'), first, first + beams);
        continue;
      }
      const best = candidates
        .slice(first * count, (first + beams) * count)
        .map(([token, value, rank, end], j) => ({
          token: token!,
          value: value!,
          rank: rank!,
          ends: end === 1 || length >= setting('maxLength'),
          row: first + Math.floor(j / count),
        }))
        .filter(({ token }) => token >= 0)
        .toSorted((a, b) => b.rank - a.rank)
        .slice(0, count)
        .toSorted((a, b) => b.value - a.value);
      // Hypotheses come from the first candidates alone.
      for (const { token, value, row, ends } of best.slice(0, beams)) {
        const slot = worst();
        const own = perLength(value, generated);
        const least = kept[slot]!;
        if (!ends || own < least.score || (own === least.score && least.number > 0)) continue;
        state[1]! += 1;
        kept[slot] = { score: own, length, number: state[1]! };
        moves.set([row, token], 3 * (first + slot) + 1);
      }
      kept.forEach((one, j) => state.set([one.score, one.length, one.number], 2 + 3 * j));
      // What has ended is by 1e9 less likely to go on.
      const next = best
        .map(({ ends, value, ...one }) => ({
          ...one,
          value: ends ? Math.max(Math.fround(value - 1e9), lowest) : value,
          order: value <= lowest ? 2 : Number(ends),
        }))
        .toSorted((a, b) => a.order - b.order);
      for (let j = 0; j < beams; j++) {
        score[first + j] = next[j]?.value ?? lowest;
        tokens[first + j] = next[j]?.token ?? setting('padToken');
        moves[3 * (first + j)] = next[j]?.row ?? first + j;
      }
      const reach = setting('attainableLength');
      const attainable = perLength(score[first]!, reach === none ? generated : reach);
      const isFull = kept.every(({ number }) => number > 0);
      const isBeaten = attainable <= kept[worst()]!.score;
      state[0] = isBeaten || (isFull && setting('stopsEarly') === 1) ? 1 : 0;
    }
    return { score, tokens, moves, hypotheses };
  },
  // Only scores per length are rounded: every third word from the third of an item's on.
  conditions: (inputs, params, constants) => {
    const exact = { length: 0, magnitude: 0 };
    const { hypotheses } = beamStep.twin(inputs, params, constants);
    const stride = 2 + 3 * Number(constants['BEAMS']);
    const magnitude = floats({ hypotheses }, 'hypotheses').map((value, i) =>
      (i % stride) % 3 === 2 && value > lowest ? Math.abs(value) : 0,
    );
    return { score: exact, tokens: exact, moves: exact, hypotheses: { length: 1, magnitude } };
  },
};

export const beamGather: Reference = {
  twin: (inputs, params) => {
    const [pitch, capacity] = [scalar(params, 'pitch'), scalar(params, 'capacity')];
    const history = rowsOf(integers(inputs, 'history'), pitch);
    const tables = rowsOf(integers(inputs, 'table'), capacity);
    const ended = rowsOf(integers(inputs, 'ended'), pitch);
    const moves = rowsOf(integers(inputs, 'moves'), 3);
    const continued = moves.map(([from, hypothesis, last], row) => {
      const slot = lengthOf(inputs, row) - 1;
      const tokens = history[from!]!.with(slot + 1, integers(inputs, 'tokens')[row]!);
      const rows = tables[row]!.map((own, at) => (at <= slot ? tables[from!]![at]! : own));
      if (hypothesis !== none) ended[row] = history[hypothesis!]!.with(slot + 1, last!);
      return { tokens, rows };
    });
    return {
      next_history: Uint32Array.from(continued.flatMap(({ tokens }) => tokens)),
      next_table: Uint32Array.from(continued.flatMap(({ rows }) => rows)),
      ended: Uint32Array.from(ended.flat()),
    };
  },
  conditions: () => {
    const exact = { length: 0, magnitude: 0 };
    return { next_history: exact, next_table: exact, ended: exact };
  },
};

export const beamCommit: Reference = {
  twin: (inputs) => ({
    history: integers(inputs, 'next_history'),
    table: integers(inputs, 'next_table'),
    place: integers(inputs, 'place').map((value) => value + 1),
  }),
  conditions: () => {
    const exact = { length: 0, magnitude: 0 };
    return { history: exact, table: exact, place: exact };
  },
};
