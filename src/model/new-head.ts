// Heads that are begun anew, for labels that a checkpoint was not trained on.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import { elements } from '../runtime/tensor.ts';
import type { JsonObject } from '../source/json.ts';
import { withFiles } from '../source/overlay.ts';
import type { TensorEntry } from '../source/safetensors.ts';
import type { Source } from '../source/source.ts';
import { architectureOf, classesOf } from './architectures.ts';
import type { Config } from './config.ts';
import type { Architecture, ClassNames, Families } from './family.ts';
import { Random } from './random.ts';
import type { Warnings } from './warnings.ts';
import { hasShape } from './weights/found-entry.ts';
import { packedOf } from './weights/packed-entry.ts';
import { oldName } from './weights/weight-names.ts';
import { type FindEntry, WeightLoader } from './weights/weights.ts';

/** A classifier with labels of your own. */
export interface NewHead {
  /** What the classes are called, in their order; a single one is a number to come near to. */
  labels: readonly string[];
  /** What has a label: a whole text, image or sound (default), each of its tokens, or objects that a detector looks for. */
  of?: 'sequence' | 'token' | 'object';
  /** What labels of sequences are, as config.json calls it; by their number when absent. */
  problemType?: 'single_label_classification' | 'multi_label_classification' | 'regression';
  /** Draws the weights; 0 by default. */
  seed?: number;
}

const problems: readonly unknown[] = [
  'single_label_classification',
  'multi_label_classification',
  'regression',
];

/** The classes that have such a head, by how their names end. */
const endings = {
  sequence: ['ForSequenceClassification', 'ForImageClassification', 'ForAudioClassification'],
  token: ['ForTokenClassification'],
  object: ['ForObjectDetection'],
} as const;

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
export function checkNewHead(head: NewHead): Required<Omit<NewHead, 'problemType'>> & NewHead {
  refuseUnknown(head, ['labels', 'of', 'problemType', 'seed'], 'option of head');
  const { labels, of = 'sequence', problemType, seed = 0 } = head;
  const isName = (name: unknown): boolean => typeof name === 'string' && name.trim() !== '';
  if (!isListOf(labels, isName) || labels.length === 0 || new Set(labels).size < labels.length) {
    throw invalid('labels', labels, 'a list of names, no two alike');
  }
  if (!Object.hasOwn(endings, of)) throw invalid('of', of, "'sequence', 'token' or 'object'");
  if (problemType !== undefined && (of !== 'sequence' || !problems.includes(problemType))) {
    const wanted =
      of === 'sequence' ? `one of ${problems.join(', ')}` : `none, as ${of}s have classes`;
    throw invalid('problemType', problemType, wanted);
  }
  if (!Number.isSafeInteger(seed)) throw invalid('seed', seed, 'a whole number');
  return { ...head, labels, of, seed };
}

function invalid(name: string, value: unknown, wanted: string): TransformerError {
  const given = Array.isArray(value)
    ? [...(value as unknown[])].map((item) => item ?? null)
    : value;
  return new TransformerError(
    'OPTION_INVALID',
    `${name} of head is ${show(given ?? null)}; wanted ${wanted}.`,
  );
}

/** How the name of the class ends that has such a head; undefined where the family has none. */
export function classifierEnd(
  { ends, shown }: ClassNames,
  of: keyof typeof endings,
): string | undefined {
  const [first] = endings[of];
  // Every encoder of texts has those of texts and tokens.
  if (shown === 'encoder' && of !== 'object') return first;
  return endings[of].find((end) => ends.includes(end));
}

/** A checkpoint with a new head, before its weights are there. */
export interface BegunHead {
  readonly config: JsonObject;
  readonly fields: Config;
  /** Draws what is new of the tensors that `architecture` asks for, and warns of it. */
  draw(
    stored: ReadonlyMap<string, TensorEntry>,
    architecture: Architecture,
    into: { readonly files: Source; readonly warnings: Warnings },
  ): Promise<DrawnHead>;
}

export interface DrawnHead {
  /** All tensors, with those that are new in place of others. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** What they are read from. */
  readonly files: Source;
}

/**
 * The checkpoint with a head for these labels. What fits them is kept, as with `num_labels` and `ignore_mismatched_sizes` of
 * Hugging Face's `from_pretrained`; other matrices are drawn normally with the deviation `initializer_range`, biases are
 * 0, and norms begin as the identity.
 * @throws TransformerError OPTION_*, MODEL_UNSUPPORTED where its family has no such class
 */
export function beginHead(config: Config, families: Families, head: NewHead): BegunHead {
  const { labels, of, problemType, seed } = checkNewHead(head);
  const classes = classesOf(families, config);
  const end = classes && classifierEnd(classes, of);
  if (classes === undefined || end === undefined) {
    const kind = show(config.get('model_type') ?? config.get('kind'));
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${config.file}: a model of the kind ${kind} has no classifier of ${of}s here. Leave out head, or load ` +
        'another checkpoint.',
    );
  }
  const { num_labels: _count, problem_type: _problem, ...others } = config.fields;
  const as = (name: string): JsonObject => ({
    ...others,
    architectures: [classes.prefix + name],
    id2label: Object.fromEntries(labels.entries()),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
    ...(problemType !== undefined && { problem_type: problemType }),
  });
  const own = as(end);
  const fields = config.with({ num_labels: undefined, problem_type: undefined, ...own });
  return {
    config: own,
    fields,
    async draw(stored, architecture, { files, warnings }) {
      const base = config.with(as(classes.ends.at(-1) ?? 'Model'));
      const body = await architectureOf(families, base);
      const missing = missingOf(stored, (loader) => architecture(fields, loader));
      const ofBody = missingOf(stored, (loader) => body(base, loader));
      // Pretrained models often lack what pools their states: not every task of theirs has it.
      const isNew = (name: string): boolean => !ofBody.has(name) || /(^|\.)pooler\./.test(name);
      const shapes = [...missing].filter(([name]) => isNew(name));
      const { initializer_range: range } = fields.fields;
      if (shapes.length > 0) {
        const names = shapes.map(([name]) => `"${name}"`).join(', ');
        warnings.add(`New, and to be trained before they tell anything: ${names}.`);
      }
      const deviation = typeof range === 'number' ? range : 0.02;
      const { entries, bytes } = drawn(stored, shapes, { seed, deviation });
      return { entries, files: withFiles(files, new Map([[headFile, bytes]])) };
    },
  };
}

/** The file that the weights of a new head are read from. */
const headFile = 'the new head';

function drawn(
  stored: ReadonlyMap<string, TensorEntry>,
  shapes: readonly (readonly [name: string, shape: readonly number[]])[],
  { seed, deviation }: { readonly seed: number; readonly deviation: number },
): Pick<DrawnHead, 'entries'> & { readonly bytes: Uint8Array<ArrayBuffer> } {
  const random = new Random(seed);
  const values = new Float32Array(shapes.reduce((sum, [, shape]) => sum + elements(shape), 0));
  const entries = new Map(stored);
  let first = 0;
  for (const [name, shape] of shapes) {
    const end = first + elements(shape);
    const own = values.subarray(first, end);
    if (shape.length > 1) own.forEach((_, i) => (own[i] = deviation * random.normal()));
    else own.fill(name.endsWith('bias') ? 0 : 1);
    const place = { file: headFile, start: 4 * first, end: 4 * end };
    entries.set(name, { name, dtype: 'F32', shape, ...place });
    first = end;
  }
  return { entries, bytes: new Uint8Array(values.buffer) };
}

/** What is asked for and not there, or there in another shape. */
function missingOf(
  stored: ReadonlyMap<string, TensorEntry>,
  declare: (loader: WeightLoader) => void,
): Map<string, readonly number[]> {
  const missing = new Map<string, readonly number[]>();
  const find: FindEntry = (name, shape) => {
    const entry = stored.get(name);
    // Without a shape it is only asked whether there is such a tensor.
    if (shape.length === 0 || (entry && (packedOf(entry) || hasShape(entry, shape)))) return entry;
    const isOld = entry === undefined && stored.has(oldName(name));
    if (isOld) return undefined;
    missing.set(name, shape);
    return { name, dtype: 'F32', shape, file: headFile, start: 0, end: 4 * elements(shape) };
  };
  declare(new WeightLoader(undefined, { find }));
  return missing;
}
