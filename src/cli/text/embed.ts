// webgpu-transformer embed: one vector a text.

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
} from '../options.ts';
import { textGroups } from '../texts.ts';

/** Significant digits that tell any two f32 numbers apart. */
const digits = 9;

const options = { ...promptOptions, ...taskOptions } as const;

export const embed: Command = {
  form: 'embed SOURCE "TEXT"',
  summary: 'the vector of a text, as a JSON array',
  details: aboutSources,
  options,
  examples: [
    { call: 'embed DIR "A cat sleeps."' },
    { call: 'embed DIR "Which cat sleeps?" --prompt-name query' },
    { call: 'embed DIR < lines.txt > vectors.jsonl' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, embed.form);
  const { adapter, quiet } = values;
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using embeddings = await openPipeline('embeddings', source, { adapter, dtype, signal, quiet });
    for await (const group of textGroups(texts, signal)) {
      const { data, shape } = await embeddings(group, { ...promptValues(values), signal });
      const size = shape.at(-1) ?? 0;
      for (const [index, text] of group.entries()) {
        const vector = data.subarray(index * size, (index + 1) * size);
        const embedding = Array.from(vector, (x) => Number(x.toPrecision(digits)));
        console.log(JSON.stringify(values.json ? { text, embedding } : embedding));
      }
    }
  });
}
