// webgpu-transformer translate

import { Gpu, pipeline, TransformerError } from '../index.node.ts';
import { adapterLine } from './adapter-line.ts';
import { embeddedModel } from './embedded-model.ts';
import { warnOfUnknown } from './unknown-parts.ts';

export interface TranslateArguments {
  to?: string;
  model?: string;
  maxNewTokens?: number;
  quiet: boolean;
}

export async function translate(
  texts: readonly string[],
  { model = embeddedModel(), quiet, ...options }: TranslateArguments,
): Promise<void> {
  if (texts.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      'There is nothing to translate. Pass a text in quotes: translate "November 21, 2026" --to fr',
    );
  }
  using gpu = await Gpu.request();
  using translator = await pipeline('translation', model, { gpu });
  const { to: _to, ...generation } = options;
  let steps = 0;
  let milliseconds = 0;
  for (const text of texts) {
    warnOfUnknown(translator, text);
    const tokenIds: number[] = [];
    const inputIds = [translator.encode(text, options)];
    let last = 0;
    for await (const step of translator.model.stream({ inputIds }, generation)) {
      tokenIds.push(...step.tokenIds);
      // The first token waits for the encoder and for kernels to compile: it is not counted.
      const now = performance.now();
      if (last > 0) {
        milliseconds += now - last;
        steps += 1;
      }
      last = now;
    }
    console.log(translator.tokenizer.decode(tokenIds));
  }
  if (quiet) return;
  const rate = steps === 0 ? '' : `, ${Math.round((1000 * steps) / milliseconds)} tokens/s`;
  console.log(`\n${adapterLine(gpu)}${rate}`);
}
