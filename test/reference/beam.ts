// One step of beam search, from the log-probabilities of each beam's next token to the new beams:
// Hugging Face's BeamSearchScorer, in plain lists.

import { gumbel } from './choose-token.ts';
import { lengthOf, lowest, rowsOf, settingsOf } from './token-rules.ts';
import { floats, integers, type Reference, scalar } from './twin.ts';

const none = 2 ** 32 - 1;

/** Sums are f32, so that candidates can be compared to the last bit. */
export const beamCandidates: Reference = {
  twin: (inputs, params, constants) => {
    const count = Number(constants['CANDIDATES']);
    const setting = settingsOf(inputs);
    const words = rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).flatMap((row, i) => {
      const before = floats(inputs, 'score')[i]!;
      const list = row.map((value, column) => {
        const hidden = value === lowest || before === lowest;
        const score = hidden ? lowest : Math.fround(value + before);
        const noise =
          constants['HAS_NOISE'] === true && !hidden
            ? gumbel(setting('seed'), lengthOf(inputs, i) - 1, i, column)
            : 0;
        return { column, score, rank: Math.fround(score + noise) };
      });
      const best = list.toSorted((a, b) => b.rank - a.rank).slice(0, count);
      while (best.length < count) best.push({ column: -1, score: lowest, rank: lowest });
      return best.flatMap(({ column, score, rank }) => [column, score, rank]);
    });
    return { candidates: Float64Array.from(words) };
  },
  conditions: (inputs, params, constants) => {
    const { candidates } = beamCandidates.twin(inputs, params, constants);
    const noisy = constants['HAS_NOISE'] === true;
    const magnitude = floats({ candidates }, 'candidates').map((value, i) =>
      noisy && i % 3 === 2 && value > lowest ? 30 + Math.abs(value) : 0,
    );
    return { candidates: { length: 1, magnitude } };
  },
};

interface Hypothesis {
  score: number;
  length: number;
  number: number;
}

export const beamStep: Reference = {
  twin: (inputs, params, constants) => {
    const setting = settingsOf(inputs);
    const [beams, count] = [Number(constants['BEAMS']), Number(constants['CANDIDATES'])];
    const flags = integers(inputs, 'flags');
    const candidates = rowsOf(floats(inputs, 'candidates'), 3);
    const score = floats(inputs, 'score').slice();
    const tokens = integers(inputs, 'tokens').slice();
    const hypotheses = floats(inputs, 'hypotheses').slice();
    const moves = new Uint32Array(2 * score.length);
    const stride = 2 + 3 * beams;
    for (let item = 0; item < scalar(params, 'items'); item++) {
      const first = item * beams;
      const length = lengthOf(inputs, first);
      const generated = length + 1 - setting('promptLength');
      const state = hypotheses.subarray(item * stride, (item + 1) * stride);
      const perLength = (value: number, size: number): number =>
        value <= lowest ? lowest : Math.fround(value / setting.norms[size]!);
      const kept: (Hypothesis | undefined)[] = Array.from({ length: beams }, (_, j) =>
        j < state[1]!
          ? {
              score: state[2 + 3 * j]!,
              length: state[3 + 3 * j]!,
              number: state[4 + 3 * j]!,
            }
          : undefined,
      );
      const worst = (): number =>
        kept.reduce(
          (least, one, j) =>
            one!.score < kept[least]!.score ||
            (one!.score === kept[least]!.score && one!.number < kept[least]!.number)
              ? j
              : least,
          0,
        );
      for (let j = 0; j < beams; j++) moves.set([first + j, none], 2 * (first + j));
      if (state[0] === 1) {
        score.fill(0, first, first + beams);
        tokens.fill(setting('padToken'), first, first + beams);
        continue;
      }
      const best = candidates
        .slice(first * count, (first + beams) * count)
        .map(([token, value, rank], j) => ({
          token: token!,
          value: value!,
          rank: rank!,
          row: first + Math.floor(j / count),
        }))
        .filter(({ token }) => token >= 0)
        .toSorted((a, b) => b.rank - a.rank)
        .slice(0, count)
        .toSorted((a, b) => b.value - a.value);
      const next: { token: number; value: number; row: number }[] = [];
      best.forEach((candidate, place) => {
        if (next.length === beams) return;
        const isEnd = (flags[candidate.token]! & 8) !== 0;
        if (!isEnd) next.push(candidate);
        if (!isEnd || place >= beams) return;
        const own = perLength(candidate.value, generated);
        const slot = state[1]! < beams ? state[1]! : worst();
        if (state[1]! >= beams && own <= kept[slot]!.score) return;
        kept[slot] = { score: own, length, number: state[1]! };
        moves[2 * (first + slot) + 1] = candidate.row;
        state[1]! += 1;
      });
      for (let j = 0; j < beams; j++) {
        score[first + j] = next[j]?.value ?? lowest;
        tokens[first + j] = next[j]?.token ?? setting('padToken');
        moves[2 * (first + j)] = next[j]?.row ?? first + j;
      }
      kept.forEach((one, j) => {
        if (one) state.set([one.score, one.length, one.number], 2 + 3 * j);
      });
      if (state[1]! < beams) continue;
      const reach = setting('attainableLength');
      const attainable = perLength(best[0]!.value, reach === none ? generated : reach);
      const isDone = setting('stopsEarly') === 1 || kept[worst()]!.score >= attainable;
      state[0] = isDone ? 1 : 0;
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
    const cacheRows = rowsOf(integers(inputs, 'cache_rows'), capacity);
    const ended = rowsOf(integers(inputs, 'ended'), pitch);
    const moves = rowsOf(integers(inputs, 'moves'), 2);
    const continued = moves.map(([from, hypothesis], row) => {
      const slot = lengthOf(inputs, row) - 1;
      const tokens = history[from!]!.with(slot + 1, integers(inputs, 'tokens')[row]!);
      const rows = cacheRows[row]!.map((own, at) => (at <= slot ? cacheRows[from!]![at]! : own));
      if (hypothesis !== none) ended[row] = history[hypothesis!]!;
      return { tokens, rows };
    });
    return {
      next_history: Uint32Array.from(continued.flatMap(({ tokens }) => tokens)),
      next_cache_rows: Uint32Array.from(continued.flatMap(({ rows }) => rows)),
      ended: Uint32Array.from(ended.flat()),
    };
  },
  conditions: () => {
    const exact = { length: 0, magnitude: 0 };
    return { next_history: exact, next_cache_rows: exact, ended: exact };
  },
};

export const beamCommit: Reference = {
  twin: (inputs) => ({
    history: integers(inputs, 'next_history'),
    cache_rows: integers(inputs, 'next_cache_rows'),
    place: integers(inputs, 'place').map((value) => value + 1),
  }),
  conditions: () => {
    const exact = { length: 0, magnitude: 0 };
    return { history: exact, cache_rows: exact, place: exact };
  },
};
