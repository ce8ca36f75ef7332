// Texts of kernels that are loaded apart, because devices of one tier alone need them: asked for as soon
// as such a device is known of, before the first list does.

import type { Tier } from './gpu.ts';

type Load = () => Promise<unknown>;

const loads: Record<Tier, Load[]> = { gpu: [], software: [] };
const asked = new Set<Tier>();

/** Says how a text for the devices of a tier is loaded. */
export function registerText(tier: Tier, load: Load): void {
  loads[tier].push(load);
  if (asked.has(tier)) begin(load);
}

/** There is a device of this tier, or soon will be: its texts are loaded, also those registered later. */
export function askForTexts(tier: Tier): void {
  if (asked.has(tier)) return;
  asked.add(tier);
  loads[tier].forEach(begin);
}

function begin(load: Load): void {
  load().catch(() => {}); // loaded again, and told of, where a pipeline is made of it
}
