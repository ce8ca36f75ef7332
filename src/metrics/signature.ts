// sacreBLEU's signature: a line that says how a score was computed, so that another can repeat it.

import type { Pair } from './check.ts';

/**
 * `nrefs:1|case:mixed|…|version:webgpu-transformer`, the fields of the metric in their order. Where
 * sacreBLEU writes its version stands the name of this package: it did the counting.
 */
export function signature(
  pairs: readonly Pair[],
  lowercase: boolean,
  fields: Readonly<Record<string, string | number>>,
): string {
  const [references = 0, ...others] = new Set(pairs.map((pair) => pair.references.length));
  const all = {
    nrefs: others.length === 0 ? references : 'var',
    case: lowercase ? 'lc' : 'mixed',
    ...fields,
    version: 'webgpu-transformer',
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}:${value}`)
    .join('|');
}
