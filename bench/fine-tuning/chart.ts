// Losses of several runs over their steps, as SVG.

export interface Curve {
  readonly name: string;
  readonly losses: readonly number[];
  readonly seconds: number;
}

export interface Run {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly curves: readonly Curve[];
}

const [width, height] = [760, 360];
const [left, right, top, bottom] = [56, 16, 52, 40];
/** The first is drawn wide, so that it shows below the others. */
const strokes = ['stroke="#fdba74" stroke-width="7"', 'stroke="#1d4ed8" stroke-width="1.5"'];

export function chart({ curves }: Run): string {
  const steps = Math.max(...curves.map(({ losses }) => losses.length));
  const highest = Math.ceil(Math.max(...curves.flatMap(({ losses }) => losses)));
  const xOf = (step: number): number => left + ((width - left - right) * step) / steps;
  const yOf = (loss: number): number =>
    height - bottom - ((height - top - bottom) * loss) / highest;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
  ];
  for (let loss = 0; loss <= highest; loss += 1) {
    const y = yOf(loss).toFixed(1);
    parts.push(
      `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#ddd"/>`,
      `<text x="${left - 8}" y="${y}" dy="4" text-anchor="end">${loss}</text>`,
    );
  }
  const every = [1, 2, 5, 10, 20, 50, 100].find((each) => steps / each <= 10) ?? steps;
  for (let step = every; step <= steps; step += every) {
    const x = xOf(step).toFixed(1);
    parts.push(`<text x="${x}" y="${height - bottom + 18}" text-anchor="middle">${step}</text>`);
  }
  parts.push(`<text x="${left}" y="${height - 6}" fill="#555">step; loss of its batch</text>`);
  curves.forEach(({ name, losses }, i) => {
    const points = losses.map((loss, k) => `${xOf(k + 1).toFixed(1)},${yOf(loss).toFixed(1)}`);
    const stroke = `fill="none" ${strokes[i % strokes.length]}`;
    parts.push(
      `<polyline ${stroke} points="${points.join(' ')}"/>`,
      `<line x1="${left + 300 * i}" x2="${left + 28 + 300 * i}" y1="20" y2="20" ${stroke}/>`,
      `<text x="${left + 36 + 300 * i}" y="24">${name}</text>`,
    );
  });
  return `${[...parts, '</svg>'].join('\n')}\n`;
}
