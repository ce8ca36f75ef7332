// Texts for rules and ways to draw that a generation may ask for.

import logSoftmax from './log-softmax.wgsl?raw';
import sequenceBias from './sequence-bias.wgsl?raw';
import tokenHistory from './token-history.wgsl?raw';
import warp from './warp.wgsl?raw';

export const texts: Readonly<
  Record<'logSoftmax' | 'sequenceBias' | 'tokenHistory' | 'warp', string>
> = {
  logSoftmax,
  sequenceBias,
  tokenHistory,
  warp,
};
