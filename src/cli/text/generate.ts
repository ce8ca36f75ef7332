// webgpu-transformer generate: text that goes on from prompts, and chats.

import type { ChatMessage, GeneratedText, GenerateOptions, Pipelines } from '../../index.node.ts';
import { readConfigs } from '../../model/read-configs.ts';
import { openSource } from '../../source/open-source.ts';
import { aboutSources, type Command } from '../command.ts';
import {
  checkFits,
  generateForm,
  generateOptions,
  generateSettings,
  type GenerateSettings,
} from './generate-settings.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import { textGroups } from '../texts.ts';

type Input = string | readonly ChatMessage[];

/** Writes what follows a prompt or chat. */
interface Writer extends Disposable {
  /** The new text in pieces, as they come; all at once when beams are searched. */
  write(input: Input): AsyncGenerator<string, void, undefined>;
}

export const generate: Command = {
  form: generateForm,
  summary: 'text that goes on from a prompt, as it comes; Ctrl-C stops',
  details:
    `${aboutSources} Without SOURCE, a text with spaces goes on as the embedded model of six novels by Jane Austen would ` +
    'have it.',
  options: generateOptions,
  examples: [
    { call: 'generate "It is a truth universally acknowledged, that" --max-new-tokens 40' },
    { call: 'generate DIR "Once upon a time" --max-new-tokens 40' },
    { call: 'generate DIR "Once upon a time" --sample --top-p 0.9 --seed 7' },
    { call: 'generate DIR --chat --system "Answer briefly." "Why is the sky blue?"' },
  ],
  run,
};

/** Prints the new text of each prompt, or the answer to each turn. */
async function run(args: readonly string[]): Promise<void> {
  const settings = generateSettings(args);
  const { texts, json, chat, system } = settings;
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }];
  await interruptible(async (signal) => {
    using writer = await openWriter(settings, signal);
    for await (const prompts of textGroups(texts, signal)) {
      for (const prompt of prompts) {
        if (chat) messages.push({ role: 'user', content: prompt });
        const pieces = writer.write(chat ? messages : prompt);
        const generatedText = await print(pieces, json);
        console.log(json ? JSON.stringify({ prompt, generatedText }) : '');
        if (chat) messages.push({ role: 'assistant', content: generatedText });
      }
    }
  });
}

/** Prints pieces as they come, unless `isSilent`, and joins them. */
async function print(pieces: AsyncIterable<string>, isSilent: boolean): Promise<string> {
  let text = '';
  try {
    for await (const piece of pieces) {
      text += piece;
      if (!isSilent) process.stdout.write(piece);
    }
  } catch (error) {
    // What was interrupted ends its line.
    if (text !== '' && !isSilent) console.log();
    throw error;
  }
  return text;
}

async function openWriter(settings: GenerateSettings, signal: AbortSignal): Promise<Writer> {
  const files = openSource(settings.source);
  const { config, generation } = await readConfigs(files, signal);
  const isSeq2Seq = config['is_encoder_decoder'] === true;
  checkFits(settings, generation, isSeq2Seq);
  // The two tasks take texts alike; an encoder–decoder's takes no chats.
  const name = isSeq2Seq ? 'text2text-generation' : 'text-generation';
  const { adapter, dtype, quiet } = settings;
  const load = { adapter, dtype, quiet, signal };
  const task = (await openPipeline(name, files, load)) as Pipelines['text-generation'];

  const write = async function* (input: Input): AsyncGenerator<string, void, undefined> {
    const options: GenerateOptions = { ...settings.options, signal };
    if (Number(settings.options.numBeams ?? generation['num_beams'] ?? 1) === 1) {
      yield* task.stream(input, options);
      return;
    }
    const whole = isSeq2Seq ? options : { ...options, returnFullText: false as const };
    const results = typeof input === 'string' ? await task(input, whole) : await task(input, whole);
    yield (results as GeneratedText[])[0]?.generatedText ?? '';
  };
  return { write, [Symbol.dispose]: () => task.dispose() };
}
