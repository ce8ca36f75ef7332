// The class of a checkpoint whose config.json names none: one with the head that a task needs, else the one
// that the weights show.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { ClassNames } from '../family.ts';
import type { Config } from '../config.ts';
import { encoderHeads } from './encoder-heads.ts';

type HasTensor = (name: string) => boolean;

/** The end of the class that has these weights. */
function shownEnd({ ends, shown }: ClassNames, has: HasTensor, config: Config): string {
  const [first = 'Model'] = ends;
  if (shown === 'encoder') {
    const found = Object.entries(encoderHeads).find(([, head]) => head.shown(has));
    return found === undefined ? 'Model' : `For${found[0]}`;
  }
  if (shown.kind === 'tensors') {
    return Object.entries(shown.of).find(([tensor]) => has(tensor))?.[1] ?? shown.else;
  }
  if (has('score.weight')) return 'ForSequenceClassification';
  const isTied = config.boolean('tie_word_embeddings', shown.tied);
  const hasOutput = has('lm_head.weight') || has('embed_out.weight');
  return isTied || hasOutput ? first : 'Model';
}

/**
 * The class to take a checkpoint as, of which a warning tells.
 * `ends`: the ends of the classes that fit the task, none where the base model does; undefined without one.
 * @throws TransformerError MODEL_UNSUPPORTED where the architecture has no such class
 */
export function assumeClass(
  config: Config,
  classes: ClassNames,
  has: HasTensor,
  ends: readonly string[] | undefined,
): string {
  const { prefix, shown } = classes;
  const heads = shown === 'encoder' ? Object.keys(encoderHeads).map((name) => `For${name}`) : [];
  const known = [...heads, ...classes.ends];
  const weights = shownEnd(classes, has, config);
  // An encoder alone is a base model, too.
  const base = weights === 'EncoderModel' ? weights : 'Model';
  const wanted = ends?.length === 0 ? [base] : ends;
  const end = wanted === undefined ? weights : wanted.find((each) => known.includes(each));
  if (end === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${config.file} names no "architectures", and ${show(config.get('model_type'))} has no class …` +
        `${wanted?.join(' or …') ?? ''}, which this task needs. Load another checkpoint.`,
    );
  }
  const why = wanted === undefined ? 'as its weights show' : 'as the task needs';
  config.warn(`"architectures" names no class; it is taken as ${prefix}${end}, ${why}.`);
  return prefix + end;
}
