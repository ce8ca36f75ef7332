// webgpu-transformer summarize: what a text says, in fewer words.

import type { Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  wholeOption,
} from '../options.ts';
import { textsOrInput } from '../texts.ts';

const options = {
  'max-new-tokens': textOption('N', "stop after N tokens (the model's own length)"),
  ...taskOptions,
};

export const summarize: Command = {
  form: 'summarize SOURCE "TEXT"',
  summary: 'what a text says, in fewer words',
  details:
    'SOURCE is a folder, a URL or hf:owner/name@revision. Without texts, all of stdin is one text.',
  options,
  examples: [
    { call: 'summarize DIR < article.txt' },
    { call: 'summarize DIR --max-new-tokens 60 --json < article.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, summarize.form);
  const { json, adapter, quiet } = values;
  const maxNewTokens = wholeOption('--max-new-tokens', values['max-new-tokens'], 1);
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    const given = await textsOrInput(texts, signal);
    using shorten = await openPipeline('summarization', source, { adapter, dtype, signal, quiet });
    const settings = { ...(maxNewTokens !== undefined && { maxNewTokens }), signal };
    for (const text of given) {
      const [{ summaryText } = { summaryText: '' }] = await shorten(text, settings);
      console.log(json ? JSON.stringify({ text, summaryText }) : summaryText);
    }
  });
}
