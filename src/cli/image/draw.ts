// webgpu-transformer draw: a picture, colour by colour.

import { writeFile } from 'node:fs/promises';
import { TransformerError } from '../../index.node.ts';
import { messageOf } from '../../runtime/print.ts';
import type { Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import {
  defined,
  dtypeOption,
  noTexts,
  positiveOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  wholeOption,
} from '../options.ts';
import { png } from './png.ts';

const options = {
  from: textOption('FILE', 'a picture whose upper half is kept'),
  out: textOption('FILE', 'where the picture goes, in PNG (drawing.png)'),
  temperature: textOption('X', 'below 1 likely colours grow likelier'),
  'top-k': textOption('N', 'draw among the N likeliest colours'),
  'top-p': textOption('X', 'draw among the colours that make up X'),
  seed: textOption('N', 'draw the same picture each time'),
  ...taskOptions,
};

export const draw: Command = {
  form: 'draw SOURCE',
  summary: 'a picture, drawn colour by colour by ImageGPT, or completed',
  details:
    'Writes a file in PNG and prints its name. SOURCE is a folder, a URL or hf:owner/name@revision. Pictures to ' +
    'complete are decoded by the package sharp; install it beside this one.',
  options,
  examples: [
    { call: 'draw DIR --seed 7' },
    { call: 'draw DIR --from cat.jpg --out completed.png' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, draw.form);
  noTexts(texts);
  const { from, json, out = 'drawing.png', adapter, quiet } = values;
  const given = {
    from,
    temperature: positiveOption('--temperature', values.temperature),
    topK: wholeOption('--top-k', values['top-k']),
    topP: positiveOption('--top-p', values['top-p'], 1),
    seed: wholeOption('--seed', values.seed),
  };
  const dtype = dtypeOption(values.dtype);
  const how = defined(given);
  await interruptible(async (signal) => {
    using task = await openPipeline('unconditional-image-generation', source, {
      dtype,
      signal,
      adapter,
      quiet,
    });
    const picture = await task({ ...how, signal });
    await write(out, png(picture));
    const { width, height } = picture;
    console.log(json ? JSON.stringify({ file: out, width, height }) : out);
  });
}

async function write(file: string, bytes: Buffer): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (cause) {
    throw new TransformerError(
      'FILE_UNWRITABLE',
      `${file} could not be written: ${messageOf(cause)}. Name another file with --out.`,
      { cause },
    );
  }
}
