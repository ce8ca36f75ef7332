// webgpu-transformer embed: one vector a text.

import { interruptible } from './interruption.ts';
import { openPipeline, sourceAndTexts } from './load.ts';
import { dtypeOption, readOptions, taskOptions } from './options.ts';
import { textGroups } from './texts.ts';

/** Significant digits that tell any two f32 numbers apart. */
const digits = 9;

/** Prints the vector of each text as a JSON array, a line each. @throws TransformerError */
export async function embed(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions({
    args: [...args],
    allowPositionals: true,
    options: taskOptions,
  });
  const { source, texts } = sourceAndTexts(positionals, 'embed SOURCE "TEXT"');
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using embeddings = await openPipeline('embeddings', source, { dtype, signal });
    for await (const group of textGroups(texts, signal)) {
      const { data, shape } = await embeddings(group, { signal });
      const size = shape.at(-1) ?? 0;
      for (const [index, text] of group.entries()) {
        const vector = data.subarray(index * size, (index + 1) * size);
        const embedding = Array.from(vector, (x) => Number(x.toPrecision(digits)));
        console.log(JSON.stringify(values.json ? { text, embedding } : embedding));
      }
    }
  });
}
