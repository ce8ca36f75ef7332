// A run as a table in Markdown, losing rows kept.

import type { Times } from '../compare.ts';

export interface LibraryResult {
  readonly library: string;
  readonly milliseconds: Times;
  readonly rounds: number;
  /** The largest difference to the true result, relative to its largest value. */
  readonly error: number;
}

export interface CaseResult {
  readonly name: string;
  readonly results: readonly LibraryResult[];
  readonly failed: readonly { readonly library: string; readonly error: string }[];
}

export interface ColdStart {
  readonly library: string;
  readonly milliseconds: Times;
  readonly files: number;
  /** As gzip makes them. */
  readonly bytes: number;
}

export interface Run {
  readonly date: string;
  adapter: string;
  browser: string;
  readonly rounds: number;
  readonly versions: Record<string, string>;
  readonly cold: ColdStart[];
  readonly cases: CaseResult[];
}

/** Our time over that of the fastest other library whose result is right. */
export function ratioOf({ results }: CaseResult): number {
  const time = (result: LibraryResult): number => result.milliseconds.median;
  const ours = results.find(({ library }) => library === 'ours');
  const others = results.filter(({ library, error }) => library !== 'ours' && error < 1e-3);
  return ours === undefined ? NaN : time(ours) / Math.min(...others.map(time));
}

export function report(run: Run): string {
  const names = [
    ...new Set(run.cases.flatMap(({ results }) => results.map(({ library }) => library))),
  ];
  const lines = [
    `${run.adapter}, Chromium ${run.browser}; ms, medians of ${run.rounds} rounds. ` +
      Object.entries(run.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    '',
    row(['ms', ...names, 'ours / best other']),
    row(['---', ...names.map(() => '---:'), '---:']),
  ];
  for (const one of run.cases) {
    const cells = names.map((name) => {
      const result = one.results.find(({ library }) => library === name);
      if (result === undefined) return '–';
      const isWrong = !(result.error <= 1e-3);
      return `${number(result.milliseconds.median)}${isWrong ? ' (wrong)' : ''}`;
    });
    const ratio = ratioOf(one);
    lines.push(row([one.name, ...cells, Number.isFinite(ratio) ? ratio.toFixed(2) : '–']));
  }
  if (run.cold.length > 0) {
    lines.push(
      '',
      row(['cold start', 'ms', 'files', 'kB, gzip']),
      row(['---', '---:', '---:', '---:']),
    );
    for (const { library, milliseconds, files, bytes } of run.cold) {
      lines.push(row([library, number(milliseconds.median), String(files), number(bytes / 1000)]));
    }
  }
  for (const { name, failed } of run.cases) {
    for (const { library, error } of failed) lines.push('', `${name}, ${library}: ${error}`);
  }
  return lines.join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

export function number(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
