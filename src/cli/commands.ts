// The commands by their names, in the order of --help.

import { ask } from './text/ask.ts';
import { classify } from './text/classify.ts';
import type { Command } from './command.ts';
import { create } from './jobs/create.ts';
import { doctor } from './about/doctor.ts';
import { draw } from './image/draw.ts';
import { embed } from './text/embed.ts';
import { evaluate } from './train/evaluate.ts';
import { fillMask } from './text/fill-mask.ts';
import { generate } from './text/generate.ts';
import { hear } from './sound/hear.ts';
import { info } from './about/info.ts';
import { ner } from './text/ner.ts';
import { rank } from './text/rank.ts';
import { retry } from './jobs/retry.ts';
import { see } from './image/see.ts';
import { serve } from './serve/serve.ts';
import { similarity } from './text/similarity.ts';
import { status } from './jobs/status.ts';
import { summarize } from './text/summarize.ts';
import { train } from './train/train.ts';
import { translate } from './text/translate.ts';
import { work } from './jobs/work.ts';

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    translate,
    generate,
    summarize,
    classify,
    ner,
    'fill-mask': fillMask,
    ask,
    embed,
    similarity,
    rank,
    see,
    draw,
    hear,
    serve,
    'jobs create': create,
    'jobs work': work,
    'jobs status': status,
    'jobs retry': retry,
    train,
    evaluate,
    info,
    doctor,
  }),
);
