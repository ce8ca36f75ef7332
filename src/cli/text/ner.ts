// webgpu-transformer ner: the names in a text, or what else a token classifier finds.

import { aboutSources, type Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  choiceOption,
  dtypeOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';

const strategies = ['simple', 'first', 'average', 'max'] as const;

const options = {
  aggregation: textOption('STRATEGY', `how tokens become names: ${strategies.join(', ')} (simple)`),
  ...taskOptions,
};

export const ner: Command = {
  form: 'ner SOURCE "TEXT"',
  summary: 'the names in a text, or what else a token classifier finds',
  details: `Prints word, label and score of each between tabs, a line a text. ${aboutSources}`,
  options,
  examples: [
    { call: 'ner DIR "Marie Curie was born in Warsaw."' },
    { call: 'ner DIR --aggregation first --json < lines.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, ner.form);
  const { json, adapter, quiet } = values;
  const aggregationStrategy = choiceOption('--aggregation', values.aggregation, strategies);
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using find = await openPipeline('token-classification', source, {
      adapter,
      dtype,
      signal,
      quiet,
    });
    const settings = { aggregationStrategy: aggregationStrategy ?? 'simple', signal };
    for await (const group of textGroups(texts, signal)) {
      for (const [index, entities] of (await find(group, settings)).entries()) {
        const line = entities
          .map(({ word, entityGroup, score }) => `${word}\t${entityGroup}\t${score.toFixed(4)}`)
          .join('\t');
        console.log(json ? JSON.stringify({ text: group[index], entities }) : line);
      }
    }
  });
}
