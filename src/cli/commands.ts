// The commands by their names, in the order of --help.

import { ask } from './ask.ts';
import { classify } from './classify.ts';
import type { Command } from './command.ts';
import { doctor } from './doctor.ts';
import { draw } from './draw.ts';
import { embed } from './embed.ts';
import { evaluate } from './evaluate.ts';
import { fillMask } from './fill-mask.ts';
import { generate } from './generate.ts';
import { hear } from './hear.ts';
import { info } from './info.ts';
import { ner } from './ner.ts';
import { rank } from './rank.ts';
import { see } from './see.ts';
import { similarity } from './similarity.ts';
import { summarize } from './summarize.ts';
import { train } from './train.ts';
import { translate } from './translate.ts';

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
    train,
    evaluate,
    info,
    doctor,
  }),
);
