// A run as a chart: how many times as long as ours each library takes, on a logarithmic axis.

import { librariesOf, number, rowsOf, type Run } from './report.ts';

const colours = ['#c2410c', '#1d4ed8', '#15803d', '#a16207'];
const [left, right, rowHeight, top] = [320, 30, 26, 56];
const width = 860;

export function chart(run: Run): string {
  const rows = rowsOf(run);
  const libraries = librariesOf(rows).filter((name) => name !== 'ours');
  const marks = rows.flatMap(({ times, wrong }, row) =>
    libraries.flatMap((library) => {
      const ratio = (times.get(library) ?? NaN) / (times.get('ours') ?? NaN);
      return Number.isFinite(ratio) && !wrong.has(library) ? [{ row, library, ratio }] : [];
    }),
  );
  const ratios = marks.map(({ ratio }) => ratio);
  const highest = 2 ** Math.ceil(Math.log2(Math.max(2, ...ratios)));
  const lowest = 2 ** Math.floor(Math.log2(Math.min(0.5, ...ratios)));
  const place = (ratio: number): string => {
    const part = Math.log2(ratio / lowest) / Math.log2(highest / lowest);
    return (left + (width - left - right) * part).toFixed(1);
  };
  const height = top + rows.length * rowHeight + 40;
  const colour = (library: string): string =>
    colours[libraries.indexOf(library) % colours.length] ?? '';
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
  ];
  libraries.forEach((library, i) => {
    const x = 12 + i * 170;
    parts.push(
      `<circle cx="${x}" cy="18" r="5" fill="${colour(library)}"/>`,
      `<text x="${x + 10}" y="22">${library}</text>`,
    );
  });
  for (let ratio = lowest; ratio <= highest; ratio *= 2) {
    const x = place(ratio);
    parts.push(
      `<line x1="${x}" x2="${x}" y1="${top - 14}" y2="${height - 34}" stroke="${ratio === 1 ? '#000' : '#ddd'}"/>`,
      `<text x="${x}" y="${height - 20}" text-anchor="middle">${ratio}×</text>`,
    );
  }
  const yOf = (row: number): number => top + row * rowHeight;
  rows.forEach(({ name, times }, row) => {
    const ours = number(times.get('ours') ?? NaN);
    parts.push(
      `<text x="${left - 14}" y="${yOf(row) + 4}" text-anchor="end">${name} (${ours} ms)</text>`,
    );
  });
  for (const { row, library, ratio } of marks) {
    parts.push(
      `<circle cx="${place(ratio)}" cy="${yOf(row)}" r="5" fill="${colour(library)}" fill-opacity="0.8"/>`,
    );
  }
  const title = `Time over ours (in brackets): right of 1× is slower. ${run.adapter}, ${run.date.slice(0, 10)}`;
  parts.push(`<text x="12" y="${height - 4}" fill="#555">${title}</text>`, '</svg>');
  return `${parts.join('\n')}\n`;
}
