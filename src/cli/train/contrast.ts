// Rows of texts that belong together, as what a model of embeddings learns.

import { type Source, TransformerError } from '../../index.node.ts';
import type { Recipe } from '../../phrases/recipe.ts';
import { isObject } from '../../source/json.ts';
import { readJson } from '../../source/source.ts';
import { lowerCase } from '../../tasks/text/sentence-settings.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { contrastive } from '../../training/contrastive.ts';
import {
  contrastiveBatch,
  type ContrastiveExample,
} from '../../training/data/contrastive-batch.ts';
import type { DataRecord } from '../../training/data/records.ts';
import type { Learner } from './data.ts';
import { exampleLearner, exampleSet } from './example-set.ts';
import { examplesOf } from './rows.ts';

/** Whether a row tells texts that belong together. */
export function isContrast({ anchor, positive }: DataRecord): boolean {
  return anchor !== undefined && positive !== undefined;
}

interface Reader {
  readonly source: Source;
  readonly tokenizer: Tokenizer;
  readonly recipe: Recipe;
}

/** Texts are read as sentence-transformers says beside the checkpoint. Errors: FILE_*, naming the row. */
export async function contrastLearner(
  file: string,
  rows: readonly DataRecord[],
  { source, tokenizer, recipe }: Reader,
): Promise<Learner> {
  const found = await readJson(source, 'sentence_bert_config.json');
  const { max_seq_length: most, do_lower_case: isLower } = isObject(found) ? found : {};
  const read = isLower === true ? lowerCase : (text: string): string => text;
  let columns: number | undefined;
  const examples = await examplesOf(file, rows, (row) => {
    const example = exampleOf(row, read);
    const own = 2 + example.negatives.length;
    columns ??= own;
    if (own !== columns) throw unlike(own, columns);
    return example;
  });
  return exampleLearner({ source, tokenizer, modules: true }, recipe, ({ maxPositions }) => {
    const known = [most, tokenizer.maxLength, maxPositions].map((one) => Number(one ?? Infinity));
    const maxLength = Math.min(...known);
    const limits = { ...(maxLength < Infinity && { maxLength }) };
    return exampleSet(file, examples, (some) => contrastiveBatch(tokenizer, some, limits), {
      heldOutSize: Math.min(recipe.batchSize, Math.max(2, Math.floor(rows.length / 20))),
      unit: `rows of ${columns} texts`,
      objective: contrastive({ ...(columns && { columns }) }),
    });
  });
}

type Contrast = Required<ContrastiveExample>;

function exampleOf(row: DataRecord, read: (text: string) => string): Contrast {
  const { anchor, positive, negatives = [] } = row;
  const others = Object.keys(row).filter((name) => /^negative(_\d+)?$/.test(name));
  const listed = Array.isArray(negatives) ? [...(negatives as unknown[])] : [negatives];
  const texts = [anchor, positive, ...others.map((name) => row[name]), ...listed];
  if (!texts.every((text) => typeof text === 'string' && text.trim() !== '')) {
    throw new TransformerError(
      'INPUT_INVALID',
      'it has texts that are none or empty; wanted "anchor" and "positive", and perhaps "negative", "negative_1", … or a ' +
        'list "negatives".',
    );
  }
  const [own = '', near = '', ...far] = (texts as string[]).map(read);
  return { anchor: own, positive: near, negatives: far };
}

function unlike(own: number, wanted: number): TransformerError {
  return new TransformerError(
    'INPUT_INVALID',
    `it has ${own} texts; the first has ${wanted}, and all need as many.`,
  );
}
