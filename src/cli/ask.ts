// webgpu-transformer ask: the part of a text that answers a question.

import { type Answer, TransformerError } from '../index.node.ts';
import { interruptible } from './interruption.ts';
import { openPipeline, sourceAndTexts } from './load.ts';
import { dtypeOption, readOptions, taskOptions, wholeOption } from './options.ts';
import { wholeInput } from './texts.ts';

/** Prints a line an answer: its text and its score behind a tab. @throws TransformerError */
export async function ask(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      ...taskOptions,
      question: { type: 'string', multiple: true },
      'top-k': { type: 'string' },
    },
  });
  const form = 'ask SOURCE --question "…" < FILE';
  const { source, texts } = sourceAndTexts(positionals, form);
  const { question: questions = [], json } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1) ?? 1;
  const dtype = dtypeOption(values.dtype);
  if (questions.length === 0) {
    throw new TransformerError('INPUT_INVALID', `No question is asked: ${form}`);
  }
  await interruptible(async (signal) => {
    const contexts = texts.length > 0 ? texts : [await wholeInput(signal)];
    using answer = await openPipeline('question-answering', source, { dtype, signal });
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
