// Bands that are equally wide to the ear.

/** The weights of the bins of a spectrum in each band. */
export interface MelBands {
  /** u32 (bands, 2): the first bin, and how many. */
  readonly ranges: Uint32Array<ArrayBuffer>;
  /** (bands, taps) */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly taps: number;
}

export interface BandOptions {
  readonly bands: number;
  /** Of a spectrum, from 0 to half the rate. */
  readonly bins: number;
  readonly samplingRate: number;
  /** Where the last band ends, in hertz. */
  readonly highest: number;
}

/**
 * Triangles over neighbouring bands from 0 Hz on, each of area 1, on the scale of Slaney's "Auditory Toolbox" (1998,
 * Interval Research TR 1998-010): linear below 1000 Hz, logarithmic above.
 */
export function melBands({ bands, bins, samplingRate, highest }: BandOptions): MelBands {
  const edges = Array.from({ length: bands + 2 }, (_, i) =>
    hertzOf((melOf(highest) * i) / (bands + 1)),
  );
  const width = Math.floor(samplingRate / 2) / (bins - 1);
  const rows = Array.from({ length: bands }, (_, band) => {
    const [low = 0, middle = 0, high = 0] = edges.slice(band, band + 3);
    const all = Array.from({ length: bins }, (__, bin) => {
      const hertz = bin * width;
      const height = Math.min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
      return (Math.max(0, height) * 2) / (high - low);
    });
    const first = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    );
    const last = all.findLastIndex((weight) => weight > 0);
    return { first, own: all.slice(first, last + 1) };
  });
  const taps = Math.max(1, ...rows.map(({ own }) => own.length));
  const weights = new Float32Array(bands * taps);
  rows.forEach(({ own }, band) => weights.set(own, band * taps));
  const ranges = Uint32Array.from(rows.flatMap(({ first, own }) => [first, own.length]));
  return { ranges, weights, taps };
}

/** From here on the scale is logarithmic: so many hertz, so many mel, and their ratio from mel to mel. */
const [BEND, MELS, RATIO] = [1000, 15, Math.log(6.4) / 27];

function melOf(hertz: number): number {
  return hertz < BEND ? (MELS * hertz) / BEND : MELS + Math.log(hertz / BEND) / RATIO;
}

function hertzOf(mel: number): number {
  return mel < MELS ? (BEND * mel) / MELS : BEND * Math.exp(RATIO * (mel - MELS));
}
