// The server of the command line with many clients at once, some of which go away: whether every answer is the one
// that a client gets alone, how long clients wait, and whether memory stays flat.
//   npm run bench -- --load [--clients N] [--minutes N]

import { parseArgs } from 'node:util';
import OpenAI from 'openai';
import { printTable } from '../table.ts';
import { questions, type Question } from './questions.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    load: { type: 'boolean' },
    clients: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '10' },
  },
});
const [clients, minutes] = [values.clients, values.minutes].map(Number) as [number, number];
if (!(clients >= 1 && minutes > 0)) throw new RangeError('--clients and --minutes are above 0.');

/** One in so many answers is left before its end. */
const leaving = 10;

const server = await startServer(['models/novels', 'models/phrases', '--timeout', '600']);
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });

interface Answer {
  readonly text: string;
  /** Milliseconds from the request to each piece of the answer. */
  readonly times: readonly number[];
  readonly isWhole: boolean;
}

/** Streams an answer, or the first pieces of it. */
async function ask({ model, prompt, seed }: Question, pieces = Infinity): Promise<Answer> {
  const start = performance.now();
  const times: number[] = [];
  let text = '';
  const stream = await client.completions.create({
    model,
    prompt,
    max_tokens: 32,
    stream: true,
    ...(seed === undefined ? { temperature: 0 } : { temperature: 1, seed }),
  });
  for await (const { choices } of stream) {
    times.push(performance.now() - start);
    text += choices[0]?.text ?? '';
    if (times.length >= pieces) {
      stream.controller.abort();
      return { text, times, isWhole: false };
    }
  }
  return { text, times, isWhole: true };
}

const known = new Map<Question, string>();
for (const question of questions) known.set(question, (await ask(question)).text);

const counts = { whole: 0, left: 0, wrong: 0, failed: 0, pieces: 0 };
const waits = { first: [] as number[], next: [] as number[], whole: [] as number[] };

function count(question: Question, { text, times, isWhole }: Answer): void {
  const right = known.get(question) ?? '';
  counts[isWhole ? 'whole' : 'left'] += 1;
  if (isWhole ? text !== right : !right.startsWith(text)) {
    counts.wrong += 1;
    console.error(
      `${JSON.stringify(question)}: ${JSON.stringify(text)}; alone ${JSON.stringify(right)}`,
    );
  }
  counts.pieces += times.length;
  const [first = NaN, ...rest] = times;
  waits.first.push(first);
  rest.forEach((time, i) => waits.next.push(time - (times[i] ?? NaN)));
  if (isWhole) waits.whole.push(times.at(-1) ?? NaN);
}

const begin = performance.now();
const end = begin + minutes * 60_000;

async function askOnAndOn(index: number): Promise<void> {
  for (let turn = index; performance.now() < end; turn += clients) {
    const question = questions[turn % questions.length];
    if (question === undefined) return;
    try {
      const isLeft = turn % leaving === leaving - 1;
      count(question, await ask(question, isLeft ? 1 + (turn % 7) : undefined));
    } catch (error) {
      counts.failed += 1;
      console.error(error instanceof Error ? error.message : error);
    }
  }
}

/** Megabytes at the begin of each tenth of the time, and at its end. */
const memory: number[] = [await server.megabytes()];
async function watch(): Promise<void> {
  for (let part = 1; part <= 10; part++) {
    const wait = begin + (part / 10) * (end - begin) - performance.now();
    await new Promise((resolve) => setTimeout(resolve, wait));
    memory.push(await server.megabytes());
  }
}

await Promise.all([watch(), ...Array.from({ length: clients }, (_, i) => askOnAndOn(i))]);
const seconds = (performance.now() - begin) / 1000;
const code = await server.end();

console.log(`${clients} clients, ${seconds.toFixed(0)} s`);
console.log(
  `${counts.whole} answers whole, ${counts.left} left by their clients, ${counts.wrong} wrong, ` +
    `${counts.failed} failed; ${(counts.pieces / seconds).toFixed(1)} pieces/s; the server ended with ${code}`,
);
console.log(`resident memory, MB: ${memory.map((bytes) => bytes.toFixed(0)).join(' ')}\n`);
const percentile = (list: readonly number[], part: number): string => {
  const at = list.toSorted((a, b) => a - b)[Math.floor(part * (list.length - 1))] ?? NaN;
  return at.toFixed(0);
};
printTable(
  ['milliseconds', 'p50', 'p95', 'p99', 'most'],
  Object.entries({
    'to the first piece': waits.first,
    'from piece to piece': waits.next,
    'to the end of an answer': waits.whole,
  }).map(([name, list]) => [name, ...[0.5, 0.95, 0.99, 1].map((part) => percentile(list, part))]),
);
if (counts.wrong + counts.failed > 0 || code !== 0) process.exitCode = 1;
