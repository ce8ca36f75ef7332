// How the page names the adapter it runs on.

import type { GpuInfo } from 'webgpu-transformer';

export function describeAdapter({ vendor, architecture, description, tier }: GpuInfo): string {
  const names = [vendor, architecture, description].filter((part) => part !== '');
  return `${names.join(' · ') || 'unnamed'} (${tier} kernels)`;
}
