// Times the model that ships with the package: time to first token, tokens per second, dispatches.

import path from 'node:path';
import { Plan } from '../src/runtime/plan.ts';
import { type Gpu, pipeline } from 'webgpu-transformer';
import { summary, type Times } from './compare.ts';

/** Sources as the model was trained on. */
const phrases = [
  'Saturday, November 21, 2026',
  'Monday, March 9, 2015',
  'in 3 days',
  '12 kilometers',
  'Friday, July 4, 2031',
  '5 hours ago',
  'Wednesday, December 31, 2042',
  '21 liters',
  'next week',
  'Sunday, August 16, 2020',
  '7 minutes ago',
  'Tuesday, February 29, 2028',
  '340 grams',
  'in 2 months',
  'Thursday, October 1, 1998',
  '64 miles',
];

export interface TranslationResult {
  readonly batch: number;
  /** Milliseconds from the call to the first token, everything compiled. */
  readonly firstToken: Times;
  /** Tokens of all sequences together, up to and with their end token. */
  readonly tokensPerSecond: Times;
  readonly dispatchesPerStep: number;
}

export interface TranslationResults {
  /** Milliseconds from `pipeline()` to the first token of the first call, kernels compiled on the way. */
  readonly coldStart: number;
  readonly batches: readonly TranslationResult[];
}

export async function timeTranslation(
  gpu: Gpu,
  root: string,
  rounds: number,
): Promise<TranslationResults> {
  // The decoding step is the last list that a generation records.
  let dispatchesPerStep = 0;
  const create = Plan.create.bind(Plan);
  Plan.create = (recording, outputs) => {
    dispatchesPerStep = recording.dispatches.length;
    return create(recording, outputs);
  };
  try {
    const start = performance.now();
    using translator = await pipeline('translation', path.join(root, 'models/phrases'), { gpu });
    const [text = ''] = phrases;
    for await (const _ of translator.stream(text, { to: 'fr' })) break;
    const coldStart = performance.now() - start;

    const batches: TranslationResult[] = [];
    for (const batch of [1, 16]) {
      const rows = phrases.slice(0, batch).map((phrase) => translator.encode(phrase, { to: 'fr' }));
      const width = Math.max(...rows.map((row) => row.length));
      const pad = (row: readonly number[], value: number): number[] =>
        Array<number>(width - row.length).fill(value);
      const inputs = {
        inputIds: rows.map((row) => [...row, ...pad(row, 0)]),
        attentionMask: rows.map((row) => [...row.map(() => 1), ...pad(row, 0)]),
      };
      const [first, rate]: [number[], number[]] = [[], []];
      for (let round = -1; round < rounds; round++) {
        const began = performance.now();
        let [tokens, firstAt] = [0, 0];
        for await (const { tokenIds } of translator.model.stream(inputs)) {
          if (firstAt === 0) firstAt = performance.now();
          // Finished sequences answer with the padding id, 0.
          tokens += tokenIds.filter((id) => id !== 0).length;
        }
        if (round < 0) continue; // compiles what this batch needs
        first.push(firstAt - began);
        rate.push((1000 * tokens) / (performance.now() - began));
      }
      batches.push({
        batch,
        firstToken: summary(first),
        tokensPerSecond: summary(rate),
        dispatchesPerStep,
      });
    }
    return { coldStart, batches };
  } finally {
    Plan.create = create;
  }
}
