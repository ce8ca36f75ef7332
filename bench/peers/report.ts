// A run as tables in Markdown, losing rows kept.

import type { Times } from '../compare.ts';

/** A library whose results are further off than this, relative to the largest, is wrong, however fast. */
const mostError = 1e-3;

export interface LibraryResult {
  readonly library: string;
  readonly milliseconds: Times;
  /** What the median is of. */
  readonly runs: number;
  /** The largest difference to the true result, relative to its largest value. */
  readonly error: number;
}

export interface Failure {
  readonly library: string;
  readonly error: string;
}

export interface CaseResult {
  readonly date: string;
  readonly name: string;
  readonly results: readonly LibraryResult[];
  readonly failed: readonly Failure[];
}

export interface ColdStart {
  readonly library: string;
  readonly milliseconds: Times;
  readonly files: number;
  /** As gzip makes them. */
  readonly bytes: number;
}

export interface ColdStarts {
  readonly date: string;
  readonly results: readonly ColdStart[];
  readonly failed: readonly Failure[];
}

/** Parts may have been measured again, and have dates of their own. */
export interface Run {
  readonly date: string;
  adapter: string;
  browser: string;
  readonly processors: number;
  readonly rounds: number;
  readonly versions: Record<string, string>;
  cold: ColdStarts;
  readonly cases: CaseResult[];
}

/** One line of a table or a chart: medians by the names of libraries. */
export interface Row {
  readonly name: string;
  readonly times: ReadonlyMap<string, number>;
  /** Libraries whose results are wrong. */
  readonly wrong: ReadonlySet<string>;
}

/** The cases, behind the cold start to a first product. */
export function rowsOf({ cold, cases }: Run): Row[] {
  const rows = cases.map(({ name, results }): Row => {
    const wrong = results.filter(({ error }) => !(error <= mostError));
    return { name, times: timesOf(results), wrong: new Set(wrong.map(({ library }) => library)) };
  });
  const starts = cold.results.filter(({ library }) => !library.startsWith('ours ('));
  const start = {
    name: 'page opened to a first product',
    times: timesOf(starts),
    wrong: new Set<string>(),
  };
  return starts.length > 0 ? [start, ...rows] : rows;
}

function timesOf(
  results: readonly { library: string; milliseconds: Times }[],
): Map<string, number> {
  return new Map(results.map(({ library, milliseconds }) => [library, milliseconds.median]));
}

/** What no library is part of, and nothing is held against. */
const alone = 'WebGPU alone';

export function librariesOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap(({ times }) => [...times.keys()]))].filter(
    (name) => name !== alone,
  );
}

/** Our time over that of the fastest other library whose result is right. */
export function ratioOf({ times, wrong }: Row): number {
  const others = [...times].filter(
    ([library]) => library !== 'ours' && library !== alone && !wrong.has(library),
  );
  return (times.get('ours') ?? NaN) / Math.min(...others.map(([, time]) => time));
}

export function table(run: Run): string {
  const rows = rowsOf(run);
  const libraries = librariesOf(rows);
  const titles = libraries.map((name) => `${name} ${run.versions[name] ?? ''}`.trim());
  const lines = [
    line(['ms', ...titles, 'ours / best other']),
    line(['---', ...titles.map(() => '---:'), '---:']),
  ];
  for (const row of rows) {
    const cells = libraries.map((name) => {
      const time = row.times.get(name);
      if (time === undefined) return '–';
      return `${number(time)}${row.wrong.has(name) ? ' (wrong)' : ''}`;
    });
    const ratio = ratioOf(row);
    lines.push(line([row.name, ...cells, ratio > 0 ? ratio.toFixed(2) : '–']));
  }
  return lines.join('\n');
}

/** What was measured, and where. */
export function about({ adapter, browser, processors, date }: Run): string {
  const isSoftware = /swiftshader|llvmpipe|lavapipe/i.test(adapter);
  const kind = isSoftware ? `, a **software adapter** on ${processors} CPU cores` : '';
  return (
    `Milliseconds on \`${adapter}\`${kind}, in Chromium ${browser.split('.')[0]}, ${date.slice(0, 10)}: medians over ` +
    'rounds in which the libraries take turns.'
  );
}

/** What a page loads for its first product. */
export function loads({ cold }: Run): string {
  return cold.results
    .map(({ library, files, bytes }) => {
      return `${library} ${number(bytes / 1000)} kB in ${files} file${files === 1 ? '' : 's'}`;
    })
    .join(', ');
}

export function failures({ cold, cases }: Run): string[] {
  return [{ name: 'first product', failed: cold.failed }, ...cases].flatMap(({ name, failed }) =>
    failed.map(({ library, error }) => `${name}, ${library}: ${error}`),
  );
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

export function number(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
