// How the page that hears follows sound that grows, with a model whose answers are written here.

import { expect, test } from 'vitest';
import { agreement } from '../../demo/hear/agreement.ts';
import { Listener, type Passage, type Stretch } from '../../demo/hear/listener.ts';
import { silentEnd } from '../../demo/hear/loudness.ts';
import { Sounds } from '../../demo/hear/sounds.ts';
import { upperHeads, wordWeights } from '../../demo/hear/word-weights.ts';

const rate = 100;
const loud = (seconds: number): Float32Array => new Float32Array(seconds * rate).fill(0.3);
const silent = (seconds: number): Float32Array => new Float32Array(seconds * rate);

/** A listener of windows of 30 seconds whose model answers when it is told to. */
function scripted() {
  const passages: Passage[] = [];
  const texts: [certain: string, tentative: string][] = [];
  const asked: { seconds: number; answer: (stretches: readonly Stretch[]) => void }[] = [];
  let most = 0;
  let open = 0;
  const listener = new Listener(rate, {
    window: 30,
    hear: async (samples) => {
      open++;
      most = Math.max(most, open);
      const stretches = await new Promise<readonly Stretch[]>((answer) => {
        asked.push({ seconds: samples.length / rate, answer });
      });
      open--;
      return stretches;
    },
    onText: (...text) => texts.push(text),
    onPassage: (passage) => passages.push(passage),
  });
  const done = listener.listen();
  /** Answers the hearing under way; its seconds. */
  const answer = async (...stretches: Stretch[]): Promise<number | undefined> => {
    await settled();
    const hearing = asked.shift();
    hearing?.answer(stretches);
    await settled();
    return hearing?.seconds;
  };
  return { listener, done, answer, passages, texts, asked, most: () => most };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

test('hears one window at a time, always the newest, and tells certain words from others', async () => {
  const { listener, done, answer, passages, texts, asked, most } = scripted();
  listener.add(loud(0.5), false);
  await settled();
  expect(asked.length).toBe(0);
  listener.add(loud(1), false);
  await settled();
  for (let i = 0; i < 8; i++) listener.add(loud(0.25), false);
  expect(await answer({ text: ' I see four' })).toBe(1.5);
  expect(texts.at(-1)).toEqual(['', ' I see four']);
  expect(await answer({ text: ' I see forty' }, { text: ' cats' })).toBe(3.5);
  expect(texts.at(-1)).toEqual([' I see ', 'forty cats']);
  // There is no news until more sound comes.
  await settled();
  expect(asked.length).toBe(0);
  listener.add(loud(0.25), false);
  listener.end();
  expect(await answer({ text: ' I see forty cats.' })).toBe(3.75);
  await done;
  expect(most()).toBe(1);
  expect(texts.at(-1)).toEqual(['', '']);
  expect(passages.map(({ text, start }) => [text, start])).toEqual([[' I see forty cats.', 0]]);
  expect(passages[0]?.data.length).toBe(375);
});

test('is done at a pause, leaves silence out, and knows where each passage begins', async () => {
  const { listener, done, answer, passages, asked } = scripted();
  listener.add(silent(4), false);
  await settled();
  expect(asked.length).toBe(0);
  listener.add(loud(2), false);
  expect(await answer({ text: ' One' })).toBe(2.5);
  listener.add(silent(1), false);
  expect(await answer({ text: ' One.', language: 'english' })).toBe(3.5);
  expect(passages).toMatchObject([{ text: ' One.', start: 3.5, language: 'english' }]);
  listener.add(loud(1), true);
  expect(await answer({ text: ' Two.' })).toBe(1);
  await done;
  expect(passages[1]).toMatchObject({ text: ' Two.', start: 7 });
});

test('keeps the last stretch of a full window for the next', async () => {
  const { listener, done, answer, passages } = scripted();
  listener.add(loud(70), true);
  const stretch = (text: string, start: number, end: number | null): Stretch => ({
    text,
    timestamp: [start, end],
  });
  expect(
    await answer(stretch(' One.', 0, 9), stretch(' Two.', 9, 22.5), stretch(' Th', 22.5, 30)),
  ).toBe(30);
  // One stretch fills the window: it is done as it is.
  expect(await answer(stretch(' Three', 0, null))).toBe(30);
  expect(await answer(stretch(' and four.', 0, 17.5))).toBe(17.5);
  await done;
  expect(passages.map(({ text, start, data }) => [text, start, data.length / rate])).toEqual([
    [' One. Two.', 0, 22.5],
    [' Three', 22.5, 30],
    [' and four.', 52.5, 17.5],
  ]);
});

test('passes errors of the model on', async () => {
  const listener = new Listener(rate, {
    window: 30,
    hear: () => Promise.reject(new Error('deaf')),
    onText: () => {},
    onPassage: () => {},
  });
  listener.add(loud(2), true);
  await expect(listener.listen()).rejects.toThrow('deaf');
});

test('agrees on whole words, in writing without spaces too', () => {
  expect(agreement('', ' a')).toBe('');
  expect(agreement(' So it is', ' So it was')).toBe(' So it ');
  expect(agreement(' So it', ' So it')).toBe(' So it');
  expect(agreement('今日は雨です', '今日は雪です')).toBe('今日は');
});

test('measures the silence at the end against the loudest sound', () => {
  const samplingRate = 1000;
  const tone = Float32Array.from({ length: 900 }, (_, i) => 0.5 * Math.sin(i));
  const noise = Float32Array.from({ length: 600 }, (_, i) => 0.01 * Math.sin(1.7 * i));
  expect(silentEnd(tone, samplingRate)).toBe(0);
  expect(silentEnd(Float32Array.of(...tone, ...noise), samplingRate)).toBeCloseTo(0.6, 1);
  expect(silentEnd(noise, samplingRate)).toBe(0);
  expect(silentEnd(new Float32Array(500), samplingRate)).toBe(0.5);
});

test('keeps sound in order while it grows and is left', () => {
  const sounds = new Sounds(1000);
  for (let i = 0; i < 100; i++) sounds.add(new Float32Array(999).fill(i));
  expect(sounds.seconds).toBe(99.9);
  sounds.drop(90);
  expect(sounds.seconds).toBeCloseTo(9.9, 6);
  const left = sounds.first(30);
  expect(left.length).toBe(9900);
  expect([left[0], left[8], left.at(-1)]).toEqual([90, 90, 99]);
  sounds.drop(100);
  expect(sounds.seconds).toBe(0);
});

test('takes the mean of heads and rows', () => {
  // (1, 2 heads, 3 tokens, 4 steps)
  const layer = (from: number) => ({
    data: Float32Array.from({ length: 24 }, (_, i) => from + i),
    shape: [1, 2, 3, 4],
  });
  const attentions = [layer(0), layer(100)];
  expect(upperHeads(attentions)).toEqual([
    [1, 0],
    [1, 1],
  ]);
  const [word, cut] = wordWeights({
    attentions,
    heads: [
      [0, 1],
      [1, 0],
    ],
    rows: [[0, 2], [3]],
    steps: 2,
  });
  // Of head 1 of the first layer 12, 13 and 20, 21; of head 0 of the second one 100, 101 and 108, 109.
  expect([...(word ?? [])]).toEqual([60, 61]);
  expect([...(cut ?? [])]).toEqual([0, 0]);
});
