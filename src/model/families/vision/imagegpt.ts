// ImageGPT ("Generative Pretraining from Pixels", Chen et al., 2020): GPT-2 over the colours of an image's pixels, row
// by row, each the nearest of a few (§3). Norms scale by the mean square alone (§3.3); no colour has the id of the
// token that images begin with.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { Head } from '../../heads/head.ts';
import { baseRoot, headName, labelCount } from '../../heads/head-name.ts';
import { LanguageHead } from '../../heads/language-head.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import { WholeTokenInput } from '../../inputs/whole-token-inputs.ts';
import { tokenMeans } from '../../../shaders/image/token-means.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { gpt2Stack } from '../decoders/gpt2.ts';

/** Declares the weights of an `ImageGPT…` checkpoint, the head as `architectures` says. */
export function imageGpt(config: Config, loader: WeightLoader): SequenceDefinition {
  const head = headName(config);
  const root = baseRoot(config, loader, 'transformer.', 'wpe.weight');
  config.only('tie_word_embeddings', false);
  const size = config.integer('n_embd');
  const eps = config.positive('layer_norm_epsilon', 1e-5);
  const { embeddings, ...definition } = gpt2Stack(config, loader, {
    root,
    norm: (prefix) => ({ weight: loader.vector(`${prefix}.weight`, size), eps }),
    activation: 'quick_gelu',
    crosses: false,
  });
  const { vocabulary, maxPositions } = definition;
  const headOf = (end: string): Head | undefined => {
    if (end === 'Model') return undefined;
    if (end === 'CausalImageModeling') {
      return new LanguageHead(
        oneLinear('lm_head', loader.matrix('lm_head.weight', vocabulary - 1, size)),
      );
    }
    if (end !== 'ImageClassification') config.refuse('architectures');
    const linear = loader.linear('score', labelCount(config), size, { bias: false });
    return new SequenceHead(config, [{ linear }], undefined, (states) =>
      tokenMeans(states, { first: 0, count: states.size(1) }),
    );
  };
  return {
    ...definition,
    input: new WholeTokenInput({ vocabulary, maxPositions, embeddings }),
    head: headOf(head),
  };
}
