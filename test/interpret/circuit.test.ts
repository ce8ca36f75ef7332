// A circuit that is known, in the model of novels: a head that looks at the token before, and one that finds by what it
// leaves what came behind a token the last time (Olsson et al. 2022, arXiv 2209.11895; Elhage et al. 2021).
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Gpu, pipeline } from 'webgpu-transformer';
import {
  ablateHeads,
  directAttribution,
  inductionScores,
  previousTokenScores,
} from 'webgpu-transformer/interpret';
import { root } from '../support/cli.ts';

const gpu = await Gpu.request();
const novels = await pipeline('text-generation', path.join(root, 'models/novels'), { gpu });
afterAll(() => gpu.dispose());
const { model, tokenizer } = novels;

const previousToken = { layer: 2, head: 3 };
const induction = { layer: 3, head: 3 };

/** The greatest of a table's values, and where it stands. */
function greatest(table: readonly (readonly number[])[]): {
  layer: number;
  head: number;
  value: number;
} {
  const all = table.flatMap((row, layer) => row.map((value, head) => ({ layer, head, value })));
  return all.reduce((most, one) => (one.value > most.value ? one : most));
}

test('its heads look where those of the circuit do', async () => {
  for (const length of [12, 50]) {
    const scores = await inductionScores(model, { length });
    expect(scores[induction.layer]![induction.head]).toBeGreaterThan(0.5);
    const behind = greatest(scores);
    expect(behind.layer).toBe(induction.layer);
    const before = greatest(await previousTokenScores(model, { length }));
    expect(before).toMatchObject(previousToken);
    expect(before.value).toBeGreaterThan(0.7);
  }
});

const words = ' walk letter garden London carriage sister evening window';
const ids = tokenizer.encode(`The${words} the${words}`).slice(0, -1);
const measure = { id: tokenizer.encode(' window')[0]! };

test('what it says again hangs on these heads, and on no others', async () => {
  const { logits } = await model.forward({ inputIds: [ids] }, { logitsToKeep: 1 });
  const said = logits!.data.indexOf(Math.max(...logits!.data));
  expect(tokenizer.decode([said])).toBe(' window');

  const { effects } = await ablateHeads(model, { inputIds: [ids] }, { measure });
  for (const [layer, row] of effects.entries()) {
    for (const [head, effect] of row.entries()) {
      const isOfIt = [previousToken, induction].some(
        (one) => one.layer === layer && one.head === head,
      );
      if (isOfIt) expect(effect).toBeLessThan(-5);
      else expect(Math.abs(effect)).toBeLessThan(4);
    }
  }
  const { parts, values } = await directAttribution(
    model,
    { inputIds: [ids] },
    { target: measure, heads: true },
  );
  expect(parts[values.indexOf(Math.max(...values))]).toBe('layers.3.head.3');
});

test('the second head is blind without the first', async () => {
  const at = `layers.${induction.layer}.selfAttention.weights`;
  const looksBack = async (edit: { at: string; replace: number }[]): Promise<number> => {
    const { captured = {} } = await model.forward({ inputIds: [ids] }, { capture: [at], edit });
    const { data, shape } = captured[at]!;
    const [, , size = 0] = shape;
    // From the last token to what came behind it the first time.
    return data[(induction.head * size + size - 1) * size + ids.indexOf(measure.id)]!;
  };
  const whole = await looksBack([]);
  expect(whole).toBeGreaterThan(0.5);
  const { layer, head } = previousToken;
  const rest = await looksBack([{ at: `layers.${layer}.head.${head}`, replace: 0 }]);
  expect(rest).toBeLessThan(whole / 4);
});
