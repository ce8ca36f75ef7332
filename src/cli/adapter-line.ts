// How the command line names the adapter in use.

import type { Gpu } from '../index.node.ts';

export function adapterLine({ info }: Gpu): string {
  const { vendor, architecture, description, route, tier } = info;
  const names = [vendor, architecture, description].filter((part) => part !== '').join(' ');
  return `${names} (${route}, ${tier} kernels)`;
}
