// Kinds of families of checkpoints that see or hear; see family.ts.

import type { DualEncoderDefinition, SequenceDefinition } from './definitions.ts';
import {
  type Architecture,
  type ClassNames,
  type Declare,
  type Family,
  type Modality,
  sequence,
} from './family.ts';

/** The tensor that shows a classifier of images. */
export const imageClassifier = { 'classifier.weight': 'ForImageClassification' };

/** One stack that looks at images. */
export function vision(
  prefix: string,
  load: () => Promise<Declare<SequenceDefinition>>,
  others: Readonly<Record<string, string>> = {},
): Family {
  return oneStack(prefix, 'image', load, { ...imageClassifier, ...others });
}

/** One stack whose heads are shown by tensors. */
export function oneStack(
  prefix: string,
  takes: Modality,
  load: () => Promise<Declare<SequenceDefinition>>,
  of: Readonly<Record<string, string>> = {},
): Family {
  return { open: () => sequence(load), takes: [takes], classes: classesBy(prefix, of) };
}

/** A stack over texts and one over images. `of`: the heads of one alone. */
export function dualEncoder(
  prefix: string,
  load: () => Promise<Declare<DualEncoderDefinition>>,
  of: Readonly<Record<string, string>>,
): Family {
  return { open: () => dual(load), takes: ['text', 'image'], classes: classesBy(prefix, of) };
}

function classesBy(prefix: string, of: Readonly<Record<string, string>>): ClassNames {
  const ends = [...Object.values(of), 'Model'];
  return { prefix, ends, shown: { kind: 'tensors', of, else: 'Model' } };
}

async function dual(load: () => Promise<Declare<DualEncoderDefinition>>): Promise<Architecture> {
  const [code, declare] = await Promise.all([import('./dual-encoder.ts'), load()]);
  return (config, loader) => {
    const definition = declare(config, loader);
    return (parts) => new code.DualEncoderModel(parts, definition);
  };
}
