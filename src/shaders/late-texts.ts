// Texts of shaders that are loaded when a first pipeline is made of them: most programs run on one
// kind of device, and ask for few of the things that a generation can do.

import type { texts as gpuTexts } from './gpu-texts.ts';
import type { texts as ruleTexts } from './rule-texts.ts';
import type { texts as seldomTexts } from './seldom-texts.ts';
import type { texts as softwareTexts } from './software-texts.ts';

type Load = () => Promise<string>;

/** A text of kernels for CPU adapters. */
export function softwareText(name: keyof typeof softwareTexts): Load {
  return async () => (await import('./software-texts.ts')).texts[name];
}

/** A text of kernels for GPUs. */
export function gpuText(name: keyof typeof gpuTexts): Load {
  return async () => (await import('./gpu-texts.ts')).texts[name];
}

/** A text of rules and ways to draw that a generation may ask for. */
export function ruleText(name: keyof typeof ruleTexts): Load {
  return async () => (await import('./rule-texts.ts')).texts[name];
}

/** A text for training, losses and attention weights. */
export function seldomText(name: keyof typeof seldomTexts): Load {
  return async () => (await import('./seldom-texts.ts')).texts[name];
}
