// The checks of what models run that do not train, in the forms that this device uses.

import type { Gpu } from '../runtime/gpu.ts';
import { blockChecks } from './blocks.ts';
import {
  checkAttention,
  checkCross,
  checkDecode,
  checkJoin,
  checkMatmul,
  checkProduct,
  checkScale,
} from './checks.ts';
import { choiceChecks } from './choice.ts';
import { decoderChecks } from './decoder.ts';
import { editChecks } from './edits.ts';
import { expertChecks } from './experts.ts';
import { imageChecks } from './images.ts';
import { positionChecks } from './positions.ts';
import { recurrenceChecks } from './recurrence.ts';
import { checkCrossEntropy, checkEmbedding, checkLayerNorm, checkSoftmax } from './rows.ts';
import { type Check, type NamedCheck, runCheck } from './run-check.ts';
import { signalChecks } from './signals.ts';
import { soundChecks } from './sounds.ts';
import { speechChecks } from './speech.ts';
import { streamChecks } from './streams.ts';

/** Runs the checks of kernels that matter; one that fails does not stop the others. */
export async function inferenceTest(
  gpu: Gpu,
  uses?: (kernel: string) => boolean,
): Promise<Check[]> {
  const checks = [
    ...inferenceChecks(gpu),
    ...positionChecks(),
    ...decoderChecks(),
    ...choiceChecks(),
    ...blockChecks(),
    ...expertChecks(),
    ...recurrenceChecks(),
    ...imageChecks(),
    ...signalChecks(),
    ...soundChecks(),
    ...speechChecks(),
    ...streamChecks(),
    ...editChecks(),
  ];
  const options = uses && { uses };
  const ran = await Promise.all(checks.map(([name, build]) => runCheck(gpu, name, build, options)));
  return ran.filter((check) => check !== undefined);
}

function inferenceChecks(gpu: Gpu): NamedCheck[] {
  const checks: NamedCheck[] = [];
  const formats = ['f32', 'f16', 'bf16'] as const;
  for (const rows of [1, 2, 4, 7, 37]) {
    for (const format of rows === 7 ? formats : formats.slice(0, 1)) {
      const name = `matmul ${rows} × 67 × 41, ${format}`;
      checks.push([name, (inputs) => checkMatmul(inputs, rows, 67, 41, format)]);
    }
  }
  checks.push(['matmul 1 × 64 × 24, f16', (inputs) => checkMatmul(inputs, 1, 64, 24, 'f16')]);
  // The other activations are the same text, which `activate` runs below.
  checks.push(['matmul + gelu', (inputs) => checkMatmul(inputs, 5, 3, 9, 'f32', 'gelu')]);
  checks.push(['matmul, not transposed', (inputs) => checkProduct(inputs, 13, 35, 21)]);
  if (gpu.tier === 'gpu') {
    // Enough work for the tiles of 64 and of 128.
    checks.push(['matmul 515 × 5 × 517', (inputs) => checkProduct(inputs, 515, 5, 517)]);
    checks.push(['matmul 1411 × 3 × 1413', (inputs) => checkProduct(inputs, 1411, 3, 1413)]);
    // By fours; split; and on matrix units, where there are some.
    checks.push(['matmul 36 × 64 × 32', (inputs) => checkProduct(inputs, 36, 64, 32)]);
    checks.push(['matmul 9 × 512 × 36', (inputs) => checkProduct(inputs, 9, 512, 36)]);
    checks.push(['matmul 70 × 64 × 36, f16', (inputs) => checkMatmul(inputs, 70, 64, 36, 'f16')]);
  }
  if (gpu.tier === 'software' && !gpu.hasQuadSubgroups) {
    // Enough work for the blocks.
    checks.push(['matmul 9 × 516 × 228', (inputs) => checkMatmul(inputs, 9, 516, 228, 'f32')]);
  }
  checks.push(['slices of a product', (inputs) => checkJoin(inputs, 7)]);
  checks.push(['slices of a product, in fours', (inputs) => checkJoin(inputs, 12)]);
  checks.push(['scale of rows', checkScale]);
  for (const causal of [false, true]) {
    for (const size of [7, 40]) {
      const kind = `${causal ? 'causal ' : ''}attention, heads of ${size}`;
      checks.push([kind, (inputs) => checkAttention(inputs, size, causal, false)]);
      checks.push([`${kind}, weights`, (inputs) => checkAttention(inputs, size, causal, true)]);
    }
  }
  for (const appends of [false, true]) {
    const name = `attention of one token, ${appends ? 'new' : 'in the cache'}`;
    checks.push([name, (inputs) => checkDecode(inputs, appends)]);
  }
  const cross = 'cross attention of one token';
  checks.push([cross, (inputs) => checkCross(inputs, 11, 1)]);
  checks.push([`${cross}, in parts`, (inputs) => checkCross(inputs, 150, 2)]);
  checks.push(['layer norm', (inputs) => checkLayerNorm(inputs, false)]);
  checks.push(['layer norm with residual', (inputs) => checkLayerNorm(inputs, true)]);
  checks.push(['layer norm, in fours', (inputs) => checkLayerNorm(inputs, true, 84)]);
  for (const format of formats) {
    checks.push([`embedding, ${format}`, (inputs) => checkEmbedding(inputs, format)]);
  }
  checks.push(['softmax', checkSoftmax]);
  checks.push(['cross entropy', checkCrossEntropy]);
  return checks;
}
