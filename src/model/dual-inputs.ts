// Checks the inputs of a model of texts and images.

import { show } from '../runtime/print.ts';
import { TransformerError } from '../runtime/errors.ts';
import type { DualEncoderDefinition, SequenceDefinition } from './definitions.ts';
import type { DualBatch } from './dual-plan.ts';
import { sameBatch } from './inputs/encoder-decoder-inputs.ts';
import { denseTensor } from './inputs/inputs.ts';
import type { ModelInputs } from './model.ts';
import { refuseInputs } from './inputs/refuse-inputs.ts';
import type { SizesOf } from './points/point-shapes.ts';
import { checkStack, inputsOf, type SequenceBatch } from './sequence-graph.ts';

/** Checks texts, images, or both. @throws TransformerError INPUT_INVALID */
export function checkDual(inputs: ModelInputs, { text, vision }: DualEncoderDefinition): DualBatch {
  const taken = [...inputsOf(text), ...inputsOf(vision), 'textEmbeds', 'returnLoss'] as const;
  refuseInputs(inputs, taken, 'This model');
  const { returnLoss = false } = inputs;
  if (typeof returnLoss !== 'boolean') {
    throw invalid(`returnLoss is ${show(returnLoss)}; wanted true or false.`);
  }
  const part = (definition: SequenceDefinition): SequenceBatch | undefined =>
    inputsOf(definition).some((name) => inputs[name] !== undefined)
      ? checkStack(inputs, definition)
      : undefined;
  const textEmbeds = inputs.textEmbeds && denseTensor('textEmbeds', inputs.textEmbeds, 2);
  const batch = { text: part(text), vision: part(vision), textEmbeds, returnLoss };
  if (textEmbeds && (batch.text !== undefined || batch.vision === undefined)) {
    throw invalid(
      'textEmbeds are compared with images: pass pixelValues beside them, and no inputIds.',
    );
  }
  if (!batch.text && !batch.vision) {
    throw invalid('There are no inputs. Pass inputIds for texts, pixelValues for images, or both.');
  }
  if (!returnLoss) return batch;
  if (!batch.text || !batch.vision) {
    throw invalid('returnLoss is true, but a loss is of pairs: pass inputIds and pixelValues.');
  }
  sameBatch(batch.text.input.batch, batch.vision.input.batch, ['inputIds', 'pixelValues']);
  return batch;
}

/** The sizes of a batch; none of a stack that has no inputs. */
export function dualSizes({ text, vision }: DualBatch): SizesOf {
  return (stack) => {
    const { batch = 0, length = 0 } = (stack === 'vision' ? vision : text)?.input ?? {};
    return { batch, length };
  };
}

function invalid(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}
