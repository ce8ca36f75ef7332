// The tables of docs/about/jobs-model.md, or what a fleet of one's own takes:
//   npm run bench -- --jobs [--speed TOKENS_PER_SECOND] [--workers N] [--shard DOCUMENTS] …

import { parseArgs } from 'node:util';
import { type Fleet, fleet } from './fleet.ts';
import { mean, runs, tables, worked } from './tables.ts';

const own = parseFleet();
if (own === undefined) {
  for (const [caption, table] of tables()) console.log(`${caption}\n\n${table}\n`);
} else {
  console.log(`${worked(own)}\n`);
  const { seconds, longest, again, falseExpiries, deadLetters } = mean(own);
  console.log(
    `Simulated ${runs} times: ${(seconds / 3600).toFixed(2)} h, at most ${(longest / 3600).toFixed(2)} h; ` +
      `${(100 * again).toFixed(2)} % computed again; ${falseExpiries.toFixed(1)} leases lost by living workers; ` +
      `${deadLetters.toFixed(1)} dead letters`,
  );
}

/** The fleet of the page with what the command line changes; undefined where it changes nothing. */
function parseFleet(): Fleet | undefined {
  const names = Object.keys(fleet) as (keyof Fleet)[];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options: { jobs: { type: 'boolean' }, ...options } });
  const given = names.flatMap((name) => {
    const text = values[name as keyof typeof values];
    return text === undefined ? [] : [[name, numberOf(name, String(text))] as const];
  });
  return given.length === 0 ? undefined : { ...fleet, ...Object.fromEntries(given) };
}

function numberOf(name: keyof Fleet, text: string): number {
  const value = Number(text);
  const least = ['documents', 'tokens', 'workers', 'speed', 'shard'].includes(name) ? 1 : 0;
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
  throw new RangeError(`--${name} is ${text}; wanted a number from ${least}.`);
}
