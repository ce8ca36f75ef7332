// webgpu-transformer fill-mask: what may stand in the gap of a text.

import { aboutSources, type Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  topKOption,
  wholeOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';

const options = {
  'top-k': topKOption('5'),
  targets: textOption('A,B,C', 'choose among these only; for RoBERTa with their spaces'),
  ...taskOptions,
};

export const fillMask: Command = {
  form: 'fill-mask SOURCE "TEXT WITH [MASK]"',
  summary: 'what may stand in the gap of a text, the best first',
  details:
    'The gap is the mask token of the model, [MASK] or <mask>. Prints tokens and scores between ' +
    `tabs, a line a gap. ${aboutSources}`,
  options,
  examples: [
    { call: 'fill-mask DIR "Warsaw is the [MASK] of Poland." --top-k 3' },
    { call: 'fill-mask DIR "The film was [MASK]." --targets good,bad --json' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, fillMask.form);
  const { json, adapter, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1) ?? 5;
  const targets = values.targets?.split(',');
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    using fill = await openPipeline('fill-mask', source, { adapter, dtype, signal, quiet });
    const settings = { topK, ...(targets && { targets }), signal };
    for await (const group of textGroups(texts, signal)) {
      for (const [index, found] of (await fill(group, settings)).entries()) {
        const gaps = found.map((one) => [one].flat());
        const lists = Array.isArray(found[0]) ? gaps : [gaps.flat()];
        if (json) console.log(JSON.stringify({ text: group[index], gaps: lists }));
        else for (const list of lists) console.log(list.map(line).join('\t'));
      }
    }
  });
}

function line({ tokenStr, score }: { tokenStr: string; score: number }): string {
  return `${tokenStr.trim()}\t${score.toFixed(4)}`;
}
