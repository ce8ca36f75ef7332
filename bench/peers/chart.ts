// A run as a chart: how many times as long as ours each library takes, on a logarithmic axis.

import { number, type Run } from './report.ts';

const colours = ['#c2410c', '#1d4ed8', '#15803d', '#a16207'];
const [left, right, rowHeight, top] = [230, 30, 26, 56];
const width = 860;

export function chart(run: Run): string {
  const rows = run.cases.map(({ name, results }) => {
    const ours = results.find(({ library }) => library === 'ours')?.milliseconds.median ?? NaN;
    const others = results
      .filter(({ library }) => library !== 'ours')
      .map(({ library, milliseconds }) => ({ library, times: milliseconds.median / ours }));
    return { name, ours, others };
  });
  const cold = run.cold.find(({ library }) => library === 'ours')?.milliseconds.median;
  if (cold !== undefined) {
    const others = run.cold
      .filter(({ library }) => !library.startsWith('ours'))
      .map(({ library, milliseconds }) => ({ library, times: milliseconds.median / cold }));
    rows.push({ name: 'cold start to a first product', ours: cold, others });
  }
  const libraries = [
    ...new Set(rows.flatMap(({ others }) => others.map(({ library }) => library))),
  ];
  const all = rows.flatMap(({ others }) => others.map(({ times }) => times));
  const highest = 2 ** Math.ceil(Math.log2(Math.max(2, ...all)));
  const lowest = 2 ** Math.floor(Math.log2(Math.min(0.5, ...all)));
  const place = (times: number): number =>
    left + ((width - left - right) * Math.log2(times / lowest)) / Math.log2(highest / lowest);
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
  for (let times = lowest; times <= highest; times *= 2) {
    const x = place(times).toFixed(1);
    parts.push(
      `<line x1="${x}" x2="${x}" y1="${top - 14}" y2="${height - 34}" stroke="${times === 1 ? '#000' : '#ddd'}"/>`,
      `<text x="${x}" y="${height - 18}" text-anchor="middle">${times}×</text>`,
    );
  }
  rows.forEach(({ name, ours, others }, i) => {
    const y = top + i * rowHeight;
    parts.push(
      `<text x="${left - 14}" y="${y + 4}" text-anchor="end">${name} (${number(ours)} ms)</text>`,
    );
    for (const { library, times } of others) {
      const x = place(times).toFixed(1);
      parts.push(
        `<circle cx="${x}" cy="${y}" r="5" fill="${colour(library)}" fill-opacity="0.8"/>`,
      );
    }
  });
  const title = `Time over ours (in brackets): right of 1× is slower. ${run.adapter}, ${run.date.slice(0, 10)}`;
  parts.push(`<text x="12" y="${height - 2}" fill="#555">${title}</text>`, '</svg>');
  return `${parts.join('\n')}\n`;
}
