// The heads of encoders of images, by what the name of a class has behind its family and "For".

import type { Config } from '../config.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { Head } from './head.ts';
import { labelCount } from './head-name.ts';
import { firstToken, SequenceHead } from './sequence-head.ts';

/** The head of this name; none of a base model. @throws TransformerError MODEL_UNSUPPORTED */
export function imageHead(
  name: string,
  { config, loader, size }: { config: Config; loader: WeightLoader; size: number },
): Head | undefined {
  if (name === 'Model') return undefined;
  if (name !== 'ImageClassification') config.refuse('architectures');
  const classifier = loader.linear('classifier', labelCount(config), size);
  return new SequenceHead(config, [{ linear: classifier }], firstToken);
}
