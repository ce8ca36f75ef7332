// webgpu-transformer translate: texts in another language.

import { Gpu, type Translation } from '../../index.node.ts';
import { adapterLine } from '../adapter-line.ts';
import type { Command } from '../command.ts';
import { embeddedModel } from '../embedded-model.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  dtypeOption,
  readOptions,
  taskOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';
import { warnOfDoubt } from './doubt.ts';

const options = {
  to: textOption('LANGUAGE', 'the language to translate to, such as fr'),
  from: textOption('LANGUAGE', 'the language of the text, for models that are told'),
  model: textOption('SOURCE', 'a folder, a URL or hf:owner/name in place of the embedded model'),
  'max-new-tokens': textOption('N', 'stop after N tokens'),
  ...taskOptions,
};

export const translate: Command = {
  form: 'translate "TEXT" --to LANGUAGE',
  summary: 'translate, with the embedded model of dates, times, measures and amounts',
  details:
    'The embedded model translates between en, fr, de, es, it, pt, zh and ja. ' +
    'Further texts may follow the first. Without texts, lines of stdin are read as they come, and ' +
    'a line is printed for each.',
  options,
  examples: [
    { call: 'translate "in 3 days" --to de', prints: 'in 3 Tagen' },
    {
      call: 'translate --to fr --json "2 weeks ago"',
      prints: '{"text":"2 weeks ago","translationText":"il y a 2 semaines","score":1}',
    },
    { call: 'translate --to fr --quiet < lines.txt > lines.fr.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals: texts } = readOptions(args, options);
  const { to, from, model = embeddedModel('phrases'), json, adapter, quiet } = values;
  const maxNewTokens = wholeOption('--max-new-tokens', values['max-new-tokens'], 1);
  const dtype = dtypeOption(values.dtype);
  if (to === undefined && texts.includes('--to')) {
    throw new UsageError('Behind -- everything is text, options too. Put --to before it.');
  }
  await interruptible(async (signal) => {
    using gpu = await Gpu.request({ signal });
    using translator = await openPipeline('translation', model, {
      adapter,
      gpu,
      dtype,
      signal,
      quiet,
    });
    const direction = { ...(to !== undefined && { to }), ...(from !== undefined && { from }) };
    const rate = new Rate();
    // Beams are known at their end only, and have no score.
    const isGreedy = Number(translator.model.generationConfig['num_beams'] ?? 1) === 1;
    const settings = {
      ...direction,
      ...(maxNewTokens && { maxNewTokens }),
      signal,
      ...(isGreedy && {
        score: true,
        stoppingCriteria: (sequences: number[][]) => {
          rate.step();
          return sequences.map(() => false);
        },
      }),
    };
    const one = async (text: string): Promise<Translation> => {
      const [translation = { translationText: '' }] = await translator(text, settings);
      rate.pause();
      warnOfDoubt(translator, text, translation);
      return translation;
    };
    for await (const group of textGroups(texts, signal)) {
      for (const text of group) {
        // A line without text stays one, so that lines out are lines in.
        const isBlank = texts.length === 0 && text.trim() === '';
        const translation = isBlank ? { translationText: '' } : await one(text);
        console.log(json ? jsonLine(text, translation) : translation.translationText);
      }
    }
    if (!quiet && !json && texts.length > 0) console.log(`\n${adapterLine(gpu)}${rate.toString()}`);
  });
}

/** Hundredths of a score tell what it tells. */
function jsonLine(text: string, { translationText, score }: Translation): string {
  const rounded = score === undefined ? {} : { score: Number(score.toFixed(2)) };
  return JSON.stringify({ text, translationText, ...rounded });
}

/** How fast tokens come. The first of a text waits for the encoder and for kernels to compile. */
class Rate {
  #steps = 0;
  #milliseconds = 0;
  #last: number | undefined;

  step(): void {
    const now = performance.now();
    if (this.#last !== undefined) {
      this.#milliseconds += now - this.#last;
      this.#steps += 1;
    }
    this.#last = now;
  }

  pause(): void {
    this.#last = undefined;
  }

  toString(): string {
    if (this.#steps === 0) return '';
    return `, ${Math.round((1000 * this.#steps) / this.#milliseconds)} tokens/s`;
  }
}
