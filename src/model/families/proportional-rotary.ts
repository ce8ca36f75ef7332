// Rotary positions of which only the first pairs turn, by frequencies as if all of them did: "proportional" RoPE, Gemma 4.

import type { Config } from '../config.ts';

/** Radians a position of each pair of columns, 0 for pairs that stay as they are. `settings`: those of a kind of layer. */
export function proportionalFrequencies(settings: Config, headSize: number): number[] {
  const theta = settings.positive('rope_theta');
  const part = settings.least('partial_rotary_factor', 0, 1);
  if (part > 1) settings.invalid('partial_rotary_factor', 'a number from 0 to 1');
  const factor = settings.positive('factor', 1);
  settings.get('rope_type');
  settings.refuseOthers([]);
  const turning = Math.floor((part * headSize) / 2);
  return Array.from({ length: Math.floor(headSize / 2) }, (_, i) =>
    i < turning ? theta ** ((-2 * i) / headSize) / factor : 0,
  );
}
