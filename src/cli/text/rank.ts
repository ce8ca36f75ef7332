// webgpu-transformer rank: documents by how well they answer a query.

import { aboutSources, type Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  promptOptions,
  promptValues,
  readOptions,
  sourceAndTexts,
  taskOptions,
  topKOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';

const options = { 'top-k': topKOption('all'), ...promptOptions, ...taskOptions } as const;

export const rank: Command = {
  form: 'rank SOURCE "QUERY" "DOCUMENT"',
  summary: 'documents by how well they answer a query, the best first',
  details: `Prints score and document between tabs, a line each, when all are read. ${aboutSources}`,
  options,
  examples: [
    { call: 'rank DIR "Who was born in Warsaw?" "Marie Curie was." "It rains."' },
    { call: 'rank DIR "Who was born in Warsaw?" --top-k 3 --json < documents.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, rank.form);
  const [query, ...given] = texts;
  if (query === undefined) {
    throw new UsageError(`There is no query. Pass it behind the model: ${rank.form}`);
  }
  const { json, adapter, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1);
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using order = await openPipeline('text-ranking', source, { adapter, dtype, signal, quiet });
    const documents: string[] = [];
    for await (const group of textGroups(given, signal)) {
      for (const text of group) documents.push(text);
    }
    const settings = { ...(topK !== undefined && { topK }), ...promptValues(values), signal };
    for (const ranked of await order(query, documents, settings)) {
      const { score, text } = ranked;
      console.log(json ? JSON.stringify(ranked) : `${score.toFixed(4)}\t${text}`);
    }
  });
}
