// The color of a weight: a single-hue ramp whose steps look equally large, one for each scheme.

type Triple = readonly [number, number, number];

/** Colors in the ramp. */
const steps = 256;

/** CSS colors for weights from 0 to 1. The stops are the page's custom properties --ramp-0 … -4. */
export function readRamp(): readonly string[] {
  const style = getComputedStyle(document.documentElement);
  const stops: Triple[] = [];
  for (let i = 0; i < 5; i++) stops.push(toOklab(style.getPropertyValue(`--ramp-${i}`).trim()));
  return Array.from({ length: steps }, (_, i) => {
    const place = (i / (steps - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(place), stops.length - 2);
    return toCss(mix(stops[from], stops[from + 1], place - from));
  });
}

/** The color of a weight in [0, 1]. */
export function colorOf(ramp: readonly string[], weight: number): string {
  const index = Math.round(Math.min(Math.max(weight, 0), 1) * (steps - 1));
  return ramp[index] ?? 'transparent';
}

/** Black or white: what reads on a color of the ramp (WCAG 2.2, relative luminance). */
export function textOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map((part) => {
    const c = Number(part) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  // Where the contrast with both is the same: (L + 0.05)² = 0.05 · 1.05.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
}

function mix(a: Triple = [0, 0, 0], b: Triple = a, t: number): Triple {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Hexadecimal sRGB to OKLab, where distances match what the eye sees (Ottosson, 2020). */
function toOklab(hex: string): Triple {
  const linear = (at: number): number => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const [r, g, b] = [linear(1), linear(3), linear(5)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function toCss([lightness, a, b]: Triple): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => {
    const encoded = c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(Math.max(encoded, 0), 1));
  });
  return `rgb(${rgb.join(' ')})`;
}
