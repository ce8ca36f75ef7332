// What a language model makes of texts, beside its logits for each token alone.
import { expect, test } from 'vitest';
import { loadModel, type Model } from 'webgpu-transformer';
import { loadTokenizer } from 'webgpu-transformer/training';
import { textPerplexity } from '../../src/training/evaluation/text-perplexity.ts';
import { initialCheckpoint } from '../../src/training/initialize.ts';
import { learnByteLevelTokenizer } from '../../src/training/data/byte-level-tokenizer.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { jsonFiles, memorySource } from '../support/source.ts';

const onGpu = sharedGpu();
const { tokenizer, config } = learnByteLevelTokenizer(['It was, it was, it was.'], 262);
const source = initialCheckpoint(
  {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_embd: 8,
    n_head: 2,
    n_layer: 1,
    n_positions: 16,
    vocab_size: 262,
  },
  { seed: 2 },
);

/** −log p of the last of these tokens, after the others. */
async function surprise(model: Model, ids: readonly number[]): Promise<number> {
  const { logits } = await model.forward({ inputIds: [ids.slice(0, -1)] }, { logitsToKeep: 1 });
  const row = Array.from(logits!.data);
  const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
  return Math.log(sum) - row[ids.at(-1)!]!;
}

test.each([true, false])('each token is foretold by half a window at least, begun: %s', (isBegun) =>
  onGpu(async (gpu) => {
    const files = { 'tokenizer.json': tokenizer, 'tokenizer_config.json': config };
    // Without its name nothing says that a token begins texts.
    const nameless = JSON.parse(
      JSON.stringify(tokenizer).replaceAll('<|endoftext|>', '<!>'),
    ) as object;
    const reads = await loadTokenizer(
      memorySource(jsonFiles(isBegun ? files : { 'tokenizer.json': nameless })),
    );
    using model = await loadModel(source, { gpu });
    const texts = ['It was late – and cold.', 'é', 'it was'];
    let [nats, tokens, bytes] = [0, 0, 0];
    for (const text of texts) {
      const ids = reads.encode(text);
      const row = isBegun ? [261, ...ids] : ids;
      bytes += new TextEncoder().encode(text).length;
      // The first token that nothing tells is one byte of "I" and "i", and of the two of "é".
      if (!isBegun)
        bytes -= text === 'é' ? 2 : new TextEncoder().encode(reads.decode(ids.slice(0, 1))).length;
      for (let at = 1; at < row.length; at++) {
        // Windows of 8 begin at 0, 4, 8, …; a token counts in the first one that has it.
        const start = at < 8 ? 0 : 4 * (Math.floor((at - 8) / 4) + 1);
        nats += await surprise(model, row.slice(start, at + 1));
        tokens += 1;
      }
    }
    const found = await textPerplexity(model, reads, texts, { length: 8 });
    expect(found).toMatchObject({ tokens, bytes });
    expect(found.perplexity).toBeCloseTo(Math.exp(nats / tokens), 3);
    expect(found.bitsPerByte).toBeCloseTo(nats / Math.LN2 / bytes, 5);
    await expectRejection(textPerplexity(model, reads, [''], { length: 8 }), 'INPUT_INVALID');
  }),
);
