// When tokens were spoken, as transformers 5.24.0 has it of the same attention, where little or nothing of the sound is left.
import { expect, test } from 'vitest';
import { stepsLeft, tokenTimes } from '../../src/model/speech/token-times.ts';

/** Five tokens, two of which are the prompt's, over eight steps. */
const weights = [
  [0.0016, 0.0014, 0.0215, 0.0124, 0.5818, 0.3636, 0.0177, 0.0001],
  [0.0331, 0.0003, 0.036, 0.0317, 0.018, 0.5159, 0.359, 0.006],
  [0.0001, 0, 0.0194, 0.0383, 0.0214, 0, 0.0013, 0.9196],
  [0.0175, 0.0036, 0.1805, 0.0727, 0.0198, 0.0044, 0.5569, 0.1446],
  [0.1784, 0.0062, 0.0001, 0.0048, 0.001, 0.0019, 0, 0.8076],
];

test.each([
  [100, [0, 0, 0.14]],
  [7, [0, 0, 0]],
  [-1, [0, 0, 0.1]],
  [-5, [0, 0, 0]],
  [0, [-0.02, -0.02, -0.02]],
  [-16, [-0.02, -0.02, -0.02]],
])('%d frames that are left', (frames, wanted) => {
  const data = Float32Array.from(weights.flat());
  const times = tokenTimes({
    attentions: [{ data, shape: [1, 1, 5, 8] }],
    heads: [[0, 0]],
    prompt: 2,
    steps: stepsLeft(frames, 8, true),
    width: 3,
  });
  expect(times).toHaveLength(3);
  times.forEach((time, i) => expect(time).toBeCloseTo(wanted[i]!, 6));
});

test('of windows that are unlike, steps are taken off once', () => {
  expect([9, 1, -1, -5, -40].map((frames) => stepsLeft(frames, 8, false))).toEqual([4, 0, 7, 5, 0]);
});
