// webgpu-transformer evaluate [SOURCE]: how many phrases of its field a translator gets right, or how good any model is at
// its task by data.

import { Gpu, loadModel, TransformerError } from '../../index.node.ts';
import { openSource } from '../../source/open-source.ts';
import { type Field, narrowField, quickField } from '../../phrases/fields.ts';
import { outsideToken } from '../../phrases/outside.ts';
import { type Phrase, unseenPhrases } from '../../phrases/phrases.ts';
import { wideField } from '../../phrases/wide-field.ts';
import { type PhraseScore, scorePhrases, type Tally } from '../../phrases/score.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { adapterLine } from '../adapter-line.ts';
import { answer, missingLanguages, phraseSource } from './answers.ts';
import { embeddedModel } from '../embedded-model.ts';
import { calibrationLine } from './calibrate.ts';
import { evaluateData } from './evaluate-data.ts';
import type { Command } from '../command.ts';
import {
  dtypeOption,
  flagOption,
  readOptions,
  taskOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { duration, Progress } from '../progress.ts';

/** What must be right, of all phrases and of those of each direction. */
interface Bar {
  readonly overall: number;
  readonly direction: number;
}

/** What a model is asked, by the languages it knows. */
interface Examination {
  readonly field: Field;
  /** Phrases of each kind in each direction, unless the user says. */
  readonly count: number;
  readonly bar: Bar;
}

/** The widest first. */
const examinations: readonly Examination[] = [
  {
    field: wideField,
    count: 8,
    bar: { overall: 0.99, direction: 0.95 },
  },
  {
    field: narrowField,
    count: 42,
    bar: { overall: 0.99, direction: 0.97 },
  },
  {
    field: quickField,
    count: 50,
    bar: { overall: 0.9, direction: 0.8 },
  },
];

const options = {
  data: textOption('FILE', 'what to measure by, as train takes it: a file or a folder'),
  adapter: textOption('DIR', 'with --data: a low-rank adapter (LoRA) beside its weights'),
  'batch-size': textOption('N', 'with --data: examples side by side (8)'),
  language: textOption('NAME', 'with --data: what is spoken in sounds, fr or french; for Whisper'),
  dtype: taskOptions.dtype,
  count: textOption(
    'N',
    'phrases of each kind in each direction (as many as make about 2,000 to 5,000)',
  ),
  seed: textOption('N', 'draws other phrases (1)'),
  misses: flagOption('print those that came out wrong'),
  calibrate: flagOption('fit a score of certainty, for config.json: see translate --json'),
};

export const evaluate: Command = {
  form: 'evaluate [SOURCE]',
  summary:
    "translate phrases of the model's field and count what is right, or measure any model by data",
  details:
    'SOURCE is a folder, a URL or hf:owner/name; the embedded model when absent. With --data it is any model that train ' +
    'takes, measured by all of the data: classifiers by accuracy and macro F1, or correlation; what writes texts by exact ' +
    'match and chrF; speech by the word error rate; detectors by mean average precision; language models by perplexity, of ' +
    'whole texts with bits a byte; others by their loss.',
  options,
  examples: [
    { call: 'evaluate' },
    { call: 'evaluate runs/mine --misses' },
    { call: 'evaluate runs/novels --data held-out.jsonl' },
    { call: 'evaluate runs/topics/best --data test.csv' },
    { call: 'evaluate runs/street/best --data street-test/' },
    { call: 'evaluate DIR --adapter runs/chat --data chat-test.jsonl --dtype int8' },
  ],
  run,
};

/**
 * Prints how many answers are those of Intl, by direction and kind, of the widest field that the model has the tokens
 * of. The exit status is 1 when they are too few.
 * @throws TransformerError OPTION_INVALID for models of other languages, and what loadModel throws
 */
async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const seed = wholeOption('--seed', values.seed) ?? 1;
  const given = wholeOption('--count', values.count, 1);
  const batchSize = wholeOption('--batch-size', values['batch-size'], 1) ?? 8;
  const dtype = dtypeOption(values.dtype);
  const [place = embeddedModel('phrases'), ...more] = positionals;
  if (more.length > 0) throw new UsageError(`Pass one checkpoint: ${evaluate.form}`);
  const { data, adapter, language } = values;
  const isGiven = (name: keyof typeof values): boolean =>
    values[name] !== undefined && values[name] !== false;
  if (data !== undefined) {
    const other = (['count', 'seed', 'misses', 'calibrate'] as const).find(isGiven);
    if (other !== undefined) {
      throw new UsageError(`--${other} is for phrases. Leave it out, or --data.`);
    }
    return evaluateData({ place, data, adapter, dtype, batchSize, language });
  }
  const other = (['adapter', 'batch-size', 'language'] as const).find(isGiven);
  if (other !== undefined) {
    throw new UsageError(`--${other} goes with --data. Pass both, or leave it out.`);
  }
  const start = performance.now();
  const source = openSource(place);
  const tokenizer = await Tokenizer.load(source, undefined);
  const { field, count, bar } = examinationOf(tokenizer, place);
  const phrases = unseenPhrases(seed, given ?? count, field);
  using gpu = await Gpu.request();
  using model = await loadModel(source, { gpu, ...(dtype && { dtype }) });
  const progress = new Progress(phrases.length);
  const answers = await answer(model, tokenizer, phrases.map(phraseSource), {
    onProgress: (done) => progress.show(done, 'phrases'),
  });
  progress.clear();

  const score = scorePhrases(answers, phrases);
  for (const line of table(field, answers, phrases, score)) console.log(line);
  if (values.misses && score.misses.length > 0)
    console.log(`\n${score.misses.map(missLine).join('\n')}`);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `\n${score.total} phrases that training never saw in ${duration(seconds)}, ${adapterLine(gpu)}`,
  );
  const { passed, line } = verdict(score, bar);
  console.log(line);
  if (values.calibrate) console.log(await calibrationLine(model, tokenizer, phrases, seed));
  if (!passed) process.exitCode = 1;
}

function examinationOf(tokenizer: Tokenizer, place: string): Examination {
  const missing = (field: Field): string[] => missingLanguages(tokenizer, field.languages);
  const knowsOutside = new Set(tokenizer.vocabulary()).has(outsideToken);
  const found = examinations.find(
    ({ field }) => missing(field).length === 0 && field.turns.includes('outside') === knowsOutside,
  );
  if (found !== undefined) return found;
  throw new TransformerError(
    'OPTION_INVALID',
    `${place} has no tokens for ${missing(quickField).join(', ')}. Evaluation translates phrases ` +
      `between ${quickField.languages.join(', ')} at least; pass a model of those languages.`,
  );
}

/** A row a direction and a column a kind, with what they come to. */
function table(
  { kinds }: Field,
  answers: readonly string[],
  phrases: readonly Phrase[],
  score: PhraseScore,
): string[] {
  const cell = ({ right, total }: Tally): string => `${right}/${total}`.padStart(13);
  const row = (name: string, tallies: ReadonlyMap<string, Tally>, all: Tally): string =>
    name.padEnd(6) +
    kinds.map((kind) => cell(tallies.get(kind) ?? { right: 0, total: 0 })).join('') +
    cell(all) +
    percent(all).padStart(9);
  const header = [...kinds, 'all'].map((name) => name.padStart(13)).join('');
  const rows = [...score.directions].map(([direction, tally]) => {
    const mine = phrases.map(({ from, to }) => `${from}-${to}` === direction);
    const part = scorePhrases(
      answers.filter((_, index) => mine[index]),
      phrases.filter((_, index) => mine[index]),
    );
    return row(direction, part.kinds, tally);
  });
  return [`${' '.repeat(6)}${header}`, ...rows, row('all', score.kinds, score)];
}

/** Whether a score reaches the bar, and a line that says so. */
export function verdict(
  score: PhraseScore,
  bar: Bar,
): { readonly passed: boolean; readonly line: string } {
  const share = ({ right, total }: Tally): number => right / total;
  const [lowest] = [...score.directions].toSorted(([, a], [, b]) => share(a) - share(b));
  if (lowest === undefined) throw new RangeError('there are no phrases');
  const [name, tally] = lowest;
  const passed = share(score) >= bar.overall && share(tally) >= bar.direction;
  const line =
    `${passed ? 'passed' : 'failed'}: ${percent(score)} overall (wanted ${100 * bar.overall} %), ` +
    `${percent(tally)} in ${name}, the lowest (wanted ${100 * bar.direction} %)`;
  return { passed, line };
}

/** Rounded down, so that only a full score reads 100 %. */
function percent({ right, total }: Tally): string {
  return `${(Math.floor((1000 * right) / total) / 10).toFixed(1)} %`;
}

function missLine({ phrase, answer: got }: PhraseScore['misses'][number]): string {
  const { from, to, text, answers } = phrase;
  return `${from}-${to}  ${text} → ${got}  (right: ${answers.join(' or ')})`;
}
