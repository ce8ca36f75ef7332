// How well a language model foretells the texts of a file.

import { Gpu, loadModel } from '../../index.node.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import { openSource } from '../../source/open-source.ts';
import { textPerplexity } from '../../training/evaluation/text-perplexity.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { adapterLine } from '../adapter-line.ts';
import { tasksFor } from '../describe.ts';
import { UsageError } from '../options.ts';
import { duration, Progress } from '../progress.ts';
import { textsOf, usualLength } from './packed.ts';

/** Prints perplexity and bits per byte. Errors: UsageError for what is no language model, FILE_*, and what loadModel throws. */
export async function evaluateTexts(place: string, data: string): Promise<void> {
  const start = performance.now();
  const source = openSource(place);
  const config = await readConfig(source, undefined);
  const tasks = await tasksFor(config, className(config) ?? null);
  if (!tasks.includes('text-generation')) {
    throw new UsageError(
      `--data is for language models; ${place} is none. Leave it out, or pass another model.`,
    );
  }
  const texts = await textsOf(data);
  const tokenizer = await Tokenizer.load(source, undefined);
  using gpu = await Gpu.request();
  using model = await loadModel(source, { gpu });
  const progress = new Progress(texts.length);
  const { perplexity, bitsPerByte, tokens, bytes } = await textPerplexity(model, tokenizer, texts, {
    length: Math.min(model.maxPositions, usualLength),
    onText: (done) => progress.show(done, 'texts'),
  });
  progress.clear();
  const count = (number: number): string => number.toLocaleString('en-US');
  const seconds = (performance.now() - start) / 1000;
  console.log(`perplexity ${perplexity.toFixed(3)} a token, ${bitsPerByte.toFixed(4)} bits a byte`);
  console.log(
    `${count(tokens)} tokens, ${count(bytes)} bytes of ${texts.length} texts in ${duration(seconds)}, ${adapterLine(gpu)}`,
  );
}
