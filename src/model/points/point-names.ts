// The names of points: the library's own, those of TransformerLens, and patterns of both.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { ModelPoint } from './point-options.ts';

/** What TransformerLens calls the points of a layer. */
const hooks: Readonly<Record<string, string>> = {
  hook_resid_pre: 'input',
  hook_resid_mid: 'selfAttention.residual',
  hook_resid_post: 'output',
  hook_attn_out: 'selfAttention.output',
  hook_cross_attn_out: 'crossAttention.output',
  hook_mlp_out: 'feedForward.output',
  'ln1.hook_normalized': 'selfAttention.norm',
  'ln2.hook_normalized': 'feedForward.norm',
  'mlp.hook_post': 'feedForward.inner',
};

/** The same of an attention. */
const attentionHooks: Readonly<Record<string, string>> = {
  hook_q: 'query',
  hook_k: 'key',
  hook_v: 'value',
  hook_rot_q: 'rotatedQuery',
  hook_rot_k: 'rotatedKey',
  hook_attn_scores: 'scores',
  hook_pattern: 'weights',
  hook_z: 'heads',
};

/** Shorter names of our own. */
const short: Readonly<Record<string, string>> = {
  residual: 'output',
  'residual.pre': 'input',
  'residual.mid': 'selfAttention.residual',
  'residual.post': 'output',
  norm1: 'selfAttention.norm',
  norm2: 'feedForward.norm',
};

const inLayer = /^((?:encoder|decoder|text|vision|\*)\.)?(?:blocks|layers)\.(\d+|\*)\.(.+)$/;

/** A name as the library has it, and the head that it picks out where it does. */
interface Asked {
  readonly name: string;
  readonly head?: number;
}

/** Takes names that stand for others. */
function ownName(given: string): Asked {
  const name = given.replace(/(^|\.)ln_final\.hook_normalized$/, '$1output');
  const [, stack = '', layer = '', rest = ''] = inLayer.exec(name) ?? [];
  if (layer === '') return { name };
  const own = (point: string): string => `${stack}layers.${layer}.${point}`;
  const head = /^(?:(?:selfAttention|attention)\.)?heads?\.(\d+)$/.exec(rest);
  if (head) return { name: own('selfAttention.heads'), head: Number(head[1]) };
  const [, kind = '', hook = ''] = /^(attn|cross_attn|attention)\.(.+)$/.exec(rest) ?? [];
  const attention = kind === 'cross_attn' ? 'crossAttention' : 'selfAttention';
  if (kind !== '') return { name: own(`${attention}.${attentionHooks[hook] ?? hook}`) };
  return { name: own(hooks[rest] ?? short[rest] ?? rest) };
}

/**
 * The points that a name or a pattern means.
 * @throws TransformerError OPTION_INVALID where there is none, with names that are near
 */
export function pointsNamed(
  given: string,
  points: readonly ModelPoint[],
): { readonly found: readonly ModelPoint[]; readonly head: number | undefined } {
  const { name, head } = ownName(given);
  const parts = name.split('.');
  const found = points.filter((point) => {
    if (point.name === name) return true;
    if (!name.includes('*')) return false;
    const own = point.name.split('.');
    return own.length === parts.length && parts.every((part, i) => part === '*' || part === own[i]);
  });
  if (found.length > 0) return { found, head };
  throw new TransformerError('OPTION_INVALID', unknownPoint(given, name, points));
}

function unknownPoint(given: string, name: string, points: readonly ModelPoint[]): string {
  const names = points.map((point) => point.name);
  const shortest = name.slice(0, 200).replaceAll('*', '0');
  const last = (path: string): string | undefined => path.split('.').at(-1);
  const near = new Set([
    nearestName(shortest, names),
    ...names.filter((one) => last(one) === last(name)).slice(0, 2),
    ...names.filter((one) => one.startsWith(shortest)).slice(0, 4),
  ]);
  near.delete(undefined);
  const [first = ''] = names;
  const shown = near.size > 0 ? [...near] : [first, names.at(-1) ?? first];
  return (
    `No point of this model is called ${show(given)}. Near it: ${shown.join(', ')}; ` +
    'model.points() has all of them, and * stands for one part of a name.'
  );
}
