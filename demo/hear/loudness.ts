// Where sound is silent.

/** Seconds of a frame whose loudness is taken. */
const frame = 0.03;
/** Root mean square below which a frame is silent, and below which part of the loudest frame. */
const leastLoudness = 0.002;
const leastPart = 0.08;

/** Seconds of silence at the end of a sound; all of it where nothing is heard. */
export function silentEnd(samples: Float32Array, samplingRate: number): number {
  const size = Math.max(1, Math.round(frame * samplingRate));
  const loudness: number[] = [];
  for (let end = samples.length; end > 0; end -= size) {
    loudness.push(rootMeanSquare(samples.subarray(Math.max(0, end - size), end)));
  }
  const loudest = loudness.reduce((most, one) => Math.max(most, one), 0);
  const least = Math.max(leastLoudness, leastPart * loudest);
  const silent = loudness.findIndex((one) => one >= least);
  return (silent < 0 ? samples.length : silent * size) / samplingRate;
}

function rootMeanSquare(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}
