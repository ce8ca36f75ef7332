// The self-test of `doctor`: every operation, in the forms this device uses, on small odd shapes
// next to plain float64 arithmetic.

import type { Gpu } from '../runtime/gpu.ts';
import { attentionGradientChecks } from './attention-gradients.ts';
import { balanceChecks } from './balance.ts';
import { biasGradientChecks } from './bias-gradients.ts';
import { ctcChecks } from './ctc.ts';
import { decoderGradientChecks } from './decoder-gradients.ts';
import { expertGradientChecks } from './expert-gradients.ts';
import { gradientChecks } from './gradients.ts';
import { inferenceTest } from './inference.ts';
import { lengthChecks } from './lengths.ts';
import { objectChecks } from './objects.ts';
import { pairChecks } from './pairs.ts';
import { optimizerChecks } from './optimizer.ts';
import { positionGradientChecks } from './position-gradients.ts';
import { recurrenceGradientChecks } from './recurrence-gradients.ts';
import { type Check, runCheck } from './run-check.ts';
import { speechGradientChecks } from './speech-gradients.ts';
import { streamGradientChecks } from './streams.ts';

/** Runs every check; one that fails does not stop the others. */
export async function selfTest(gpu: Gpu): Promise<Check[]> {
  const gradients = [
    ...gradientChecks(),
    ...attentionGradientChecks(),
    ...decoderGradientChecks(),
    ...biasGradientChecks(),
    ...positionGradientChecks(),
    ...speechGradientChecks(),
    ...streamGradientChecks(),
    ...expertGradientChecks(),
    ...balanceChecks(),
    ...objectChecks(),
    ...ctcChecks(),
    ...pairChecks(),
    ...lengthChecks(),
    ...recurrenceGradientChecks(),
  ];
  const [inference, ...training] = await Promise.all([
    inferenceTest(gpu),
    ...optimizerChecks().map(([name, build]) => runCheck(gpu, name, build)),
    ...gradients.map(([name, build]) => runCheck(gpu, name, build, { training: true })),
  ]);
  return [...inference, ...training.filter((check) => check !== undefined)];
}
