// webgpu-transformer translate

import { fileURLToPath } from 'node:url';
import { Gpu, pipeline, TransformerError } from '../index.node.ts';
import { adapterLine } from './adapter-line.ts';

export interface TranslateArguments {
  to?: string;
  model?: string;
  maxNewTokens?: number;
  quiet: boolean;
}

/** The model that ships with the package, beside the folder of the built command. */
function embeddedModel(): string {
  return fileURLToPath(new URL('../models/phrases', import.meta.url));
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
  let tokens = 0;
  let seconds = 0;
  for (const text of texts) {
    const inputIds = [translator.encode(text, options)];
    const { to: _to, ...generation } = options;
    const start = performance.now();
    const { sequences } = await translator.model.generate({ inputIds }, generation);
    seconds += (performance.now() - start) / 1000;
    const [ids = []] = sequences;
    tokens += ids.length - 1;
    console.log(translator.tokenizer.decode(ids));
  }
  if (!quiet) console.log(`\n${adapterLine(gpu)}\n${Math.round(tokens / seconds)} tokens/s`);
}
