// The rules of time stamps as Whisper's logits processor defines them, and the log-probabilities of what is chosen.

import { lengthOf, lowest, rowsOf, settingsOf } from './token-rules.ts';
import { floats, integers, type Reference, scalar } from './twin.ts';

/** Scores behind the tokens of a row, of which `prompt` are not generated. */
function stampedScores(
  scores: readonly number[],
  tokens: readonly number[],
  { prompt, begin, initial, end }: { prompt: number; begin: number; initial: number; end: number },
): number[] {
  const result = [...scores];
  const hide = (from: number, to: number): void => {
    for (let column = Math.max(0, from); column < Math.min(to, result.length); column++) {
      result[column] = lowest;
    }
  };
  const isStamp = (token: number | undefined): boolean => token !== undefined && token >= begin;
  hide(begin - 1, begin);
  const own = tokens.slice(prompt);
  const wasStamp = isStamp(own.at(-1));
  const wasPair = own.length < 2 || isStamp(own.at(-2));
  if (wasStamp && wasPair) hide(begin, Infinity);
  else if (wasStamp) hide(0, end);
  const last = own.findLast(isStamp);
  if (last !== undefined) hide(begin, wasStamp && !wasPair ? last : last + 1);
  if (own.length === 0) {
    hide(0, begin);
    hide(initial, Infinity);
  }
  const stamps = result.slice(begin).filter((score) => score !== lowest);
  const all = stamps.reduce((sum, score) => sum + Math.exp(score), 0);
  if (
    Math.log(all) > Math.max(...result.slice(0, begin).map((s) => (s === lowest ? -Infinity : s)))
  ) {
    hide(0, begin);
  }
  return result;
}

export const timestampRules: Reference = {
  twin: (inputs, params) => {
    const history = rowsOf(integers(inputs, 'history'), scalar(params, 'pitch'));
    const rows = rowsOf(floats(inputs, 'x'), scalar(params, 'columns'));
    const x = rows.flatMap((scores, row) => {
      const setting = settingsOf(inputs, row);
      const begin = setting('timestampBegin');
      if (begin >= scores.length) return scores;
      return stampedScores(scores, history[row]!.slice(0, lengthOf(inputs, row)), {
        prompt: setting('promptLength'),
        begin,
        initial: setting('initialTimestamps'),
        end: setting('endToken'),
      });
    });
    return { x: Float64Array.from(x) };
  },
  // What is not hidden stays as it is.
  conditions: (inputs) => ({
    x: { length: 0, magnitude: new Float64Array(floats(inputs, 'x').length) },
  }),
};

export const tokenLogProbs: Reference = {
  twin: (inputs, params) => {
    const span = scalar(params, 'span');
    const y = Float64Array.from(floats(inputs, 'y'));
    rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).forEach((scores, row) => {
      const temperature = settingsOf(inputs, row)('temperature');
      const open = scores.filter((score) => score !== lowest);
      const best = Math.max(...open);
      const sum = open.reduce((total, score) => total + Math.exp((score - best) * temperature), 0);
      const chosen = scores[integers(inputs, 'tokens')[row]!]!;
      y[row * span + (lengthOf(inputs, row) % span)] =
        (chosen - best) * temperature - Math.log(sum);
    });
    return { y };
  },
  conditions: (inputs, params) => {
    const { y } = tokenLogProbs.twin(inputs, params, {});
    const columns = scalar(params, 'columns');
    return {
      y: { length: columns, magnitude: floats({ y }, 'y').map((value) => 1 + Math.abs(value)) },
    };
  },
};
