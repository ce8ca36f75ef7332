// Log-probabilities of chosen tokens and of the likeliest.

import { lengthOf, rowsOf } from './token-rules.ts';
import { floats, integers, type Reference, scalar } from './twin.ts';

export const likelyTokens: Reference = {
  twin: (inputs, params) => {
    const [span, top] = [scalar(params, 'span'), scalar(params, 'top')];
    const ids = Uint32Array.from(integers(inputs, 'ids'));
    const y = Float64Array.from(floats(inputs, 'y'));
    rowsOf(floats(inputs, 'x'), scalar(params, 'columns')).forEach((logits, row) => {
      const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const step = row * span + (lengthOf(inputs, row) % span);
      const chosen = integers(inputs, 'tokens')[row]!;
      const ranked = [...logits.keys()].toSorted((a, b) => logits[b]! - logits[a]! || a - b);
      const listed = ranked.slice(0, top);
      ids.set(listed, step * top);
      y.set(
        [chosen, ...listed].map((token) => logits[token]! - norm),
        step * (1 + top),
      );
    });
    return { ids, y };
  },
  conditions: (inputs, params) => {
    const { y } = likelyTokens.twin(inputs, params, {});
    const magnitude = floats({ y }, 'y').map((value) => 1 + Math.abs(value));
    return {
      ids: { length: 0, magnitude: 0 },
      y: { length: scalar(params, 'columns'), magnitude },
    };
  },
};
