// Attention whose scores also compare queries and keys with relative positions: "disentangled attention", DeBERTa (He et
// al., 2020, arXiv 2006.03654, §3.1). The products are made pair by pair inside the kernels, from the table of positions.

import {
  type Constant,
  type Constants,
  entryPoint,
  type Kernel,
  type Snippet,
} from '../../../runtime/kernel.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { late } from '../../snippets.ts';
import { attentionContent, attentionForms, attentionWeights } from '../attention-kernels.ts';
import text from './attention-positions.wgsl?raw';

const index: Snippet = { file: 'attention-positions.wgsl', text };
const inRegisters: Snippet = {
  file: 'attention-positions-register.wgsl',
  text: late(() => import('./attention-positions-register.wgsl?raw'), 'software'),
};
const inTiles: Snippet = {
  file: 'attention-positions-tile.wgsl',
  text: late(() => import('./attention-positions-tile.wgsl?raw'), 'gpu'),
};
const ofWeights: Snippet = {
  file: 'attention-positions-weights.wgsl',
  text: late(() => import('./attention-positions-weights.wgsl?raw')),
};

/** A kernel of attention that compares more. */
function withPositions(name: string, form: Kernel, own: Snippet): Kernel {
  const off: (readonly [string, readonly Constant[]])[] = Object.entries(form.constants).map(
    ([switchName, values]) => [switchName, values.includes(true) ? [false] : values],
  );
  const { WHOLE: whole, DROPOUT: drops, SCORES: scores } = form.constants;
  return {
    ...form,
    name,
    entry: entryPoint(form),
    code: form.code.flatMap((piece) => (piece === attentionContent ? [index, own] : [piece])),
    constants: {
      ...Object.fromEntries(off),
      ...(whole && { WHOLE: whole }),
      ...(drops && { DROPOUT: drops }),
      ...(scores && { SCORES: scores }),
      NAMED: [false, true],
      C2P: [false, true],
      P2C: [false, true],
      TABLES: [1, 2, 3],
    },
  };
}

const register = withPositions(
  'attention-positions-register',
  attentionForms.register,
  inRegisters,
);
const forms: Readonly<Record<'register' | 'registerFours' | 'tile' | 'tileFours', Kernel>> = {
  register,
  registerFours: register,
  tile: withPositions('attention-positions-tile', attentionForms.tile, inTiles),
  tileFours: withPositions('attention-positions-tile-fours', attentionForms.tileFours, inTiles),
};
const plain = withPositions('attention-positions-weights', attentionWeights, ofWeights);
const weights: Kernel = { ...plain, bindings: { ...plain.bindings, state: 'read' } };

export const positionKernels: readonly Kernel[] = [register, forms.tile, forms.tileFours, weights];

/** What queries and keys are compared with besides each other, for `attention`. */
export interface PositionScores {
  /** (rows, tables · heads · headSize), see attention-positions.wgsl. */
  readonly table: Tensor;
  /** u32 (2 · reach + 1): the row of each distance from key to query, -reach first; absent where the table has these. */
  readonly rows: Tensor | undefined;
  readonly params: { readonly reach: number; readonly window: number };
  readonly constants: Constants &
    Readonly<Record<'C2P' | 'P2C' | 'NAMED', boolean>> & { readonly TABLES: number };
  readonly forms: typeof forms;
  readonly weights: Kernel;
}

/** Which terms of the paper's equation 2 the scores have besides the first. */
export interface PositionTerms {
  /** Content to position: queries with what positions are as keys. */
  readonly c2p: boolean;
  /** Position to content: keys with what positions are as queries. */
  readonly p2c: boolean;
}

/**
 * `table`: for each row of relative positions what it is as a query, as a key, and anything behind that, each `width`
 * columns; or the one of both that the terms need. `rows`: see `PositionScores`; `first`: the row that the table begins
 * with, where it has those alone that the distances of a text need. Training takes a table without `rows`.
 */
export function positionScores(
  table: Tensor,
  rows: Tensor | undefined,
  {
    c2p,
    p2c,
    width,
    first = 0,
  }: PositionTerms & { readonly width: number; readonly first?: number },
): PositionScores {
  const tables = table.size(-1) / width;
  const constants = { C2P: c2p, P2C: p2c, TABLES: tables, NAMED: rows !== undefined };
  const params = { reach: ((rows ?? table).size(0) - 1) / 2, window: first };
  return { table, rows, params, constants, forms, weights };
}
