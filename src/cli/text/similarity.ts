// webgpu-transformer similarity: how near sentences are to a text.

import { aboutSources, type Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import { dtypeOption, readOptions, sourceAndTexts, taskOptions, UsageError } from '../options.ts';
import { textGroups } from '../texts.ts';

export const similarity: Command = {
  form: 'similarity SOURCE "TEXT" "SENTENCE"',
  summary: 'how near sentences are to a text, from -1 to 1',
  details: `Prints score and sentence between tabs, a line each. ${aboutSources}`,
  options: taskOptions,
  examples: [
    { call: 'similarity DIR "A cat sleeps." "A kitten naps." "The bank is closed."' },
    { call: 'similarity DIR "A cat sleeps." --json < sentences.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, taskOptions);
  const { source, texts } = sourceAndTexts(positionals, similarity.form);
  const [sourceSentence, ...given] = texts;
  if (sourceSentence === undefined) {
    throw new UsageError(
      `There is no text to compare with. Pass it behind the model: ${similarity.form}`,
    );
  }
  const { json, adapter, quiet } = values;
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using compare = await openPipeline('sentence-similarity', source, {
      adapter,
      dtype,
      signal,
      quiet,
    });
    for await (const sentences of textGroups(given, signal)) {
      const scores = await compare({ sourceSentence, sentences }, { signal });
      for (const [index, score] of scores.entries()) {
        const text = sentences[index] ?? '';
        console.log(json ? JSON.stringify({ text, score }) : `${score.toFixed(4)}\t${text}`);
      }
    }
  });
}
