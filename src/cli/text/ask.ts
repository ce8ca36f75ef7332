// webgpu-transformer ask: the part of a text that answers a question.

import type { Answer } from '../../index.node.ts';
import type { Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  listOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  topKOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { textsOrInput } from '../texts.ts';

const options = {
  question: listOption('TEXT', 'what is asked'),
  'top-k': topKOption('1'),
  ...taskOptions,
};

export const ask: Command = {
  form: 'ask SOURCE --question "QUESTION" "TEXT"',
  summary: 'the part of a text that answers a question',
  details:
    'Prints answer and score between tabs. SOURCE is a folder, a URL or hf:owner/name@revision. ' +
    'Without texts, all of stdin is one text.',
  options,
  examples: [
    { call: 'ask DIR --question "Who was born in Warsaw?" < text.txt' },
    { call: 'ask DIR --question Who? --question Where? --json "Marie Curie was born in Warsaw."' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, ask.form);
  const { question: questions = [], json, adapter, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1) ?? 1;
  const dtype = dtypeOption(values.dtype);
  if (questions.length === 0) throw new UsageError(`No question is asked: ${ask.form}`);
  await interruptible(async (signal) => {
    const contexts = await textsOrInput(texts, signal);
    using answer = await openPipeline('question-answering', source, {
      adapter,
      dtype,
      signal,
      quiet,
    });
    for (const context of contexts) {
      const asked = questions.map((question) => ({ question, context }));
      for (const [index, answers] of (await answer(asked, { topK, signal })).entries()) {
        for (const one of answers) {
          console.log(json ? JSON.stringify({ question: questions[index], ...one }) : line(one));
        }
      }
    }
  });
}

function line({ answer, score }: Answer): string {
  return `${answer.replaceAll(/\s+/g, ' ')}\t${score.toFixed(4)}`;
}
