// Power of spectra in bands: piece by piece, loud and silent, and raised to a floor.
import { expect, test } from 'vitest';
import { logMel, melFloor } from '../../../src/shaders/audio/log-mel.ts';
import { fold } from '../../../src/shaders/rows/fold.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

test('bands of two sounds, one of them in two pieces', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(41);
    const [bins, bands, taps, frames] = [11, 5, 4, 9];
    const ranges = Uint32Array.of(0, 4, 2, 3, 5, 1, 6, 0, 8, 3);
    const { outputs } = await expectOperation(gpu, (bench) => {
      const y = bench.recording.transient('logarithms', [2, bands, frames]);
      const spectra = (count: number, scale: number) =>
        bench.input(
          `${count} spectra`,
          [count, 2 * bins],
          random.values(count * 2 * bins).map((value) => value * scale),
        );
      const filters = {
        ranges: bench.input('ranges', [bands, 2], ranges),
        weights: bench.input(
          'weights',
          [bands, taps],
          random.values(bands * taps).map((value) => Math.abs(value)),
        ),
      };
      logMel({ spectra: spectra(4, 100), bands: filters, y }, { item: 0, first: 0 });
      logMel({ spectra: spectra(5, 1e-4), bands: filters, y }, { item: 0, first: 4 });
      logMel({ spectra: spectra(9, 0), bands: filters, y }, { item: 1, first: 0 });
      const flat = bench.recording;
      expect(flat.dispatches).toHaveLength(3);
      return [y, melFloor(y, fold(y, { kind: 'largest', groups: 1 }))];
    });
    const [logarithms, raised] = outputs;
    const half = bands * frames;
    // A band without bins, and silence, are at the lowest power.
    expect(logarithms![3 * frames]).toBeCloseTo(-10, 5);
    expect(logarithms!.subarray(half).every((value) => Math.abs(value + 10) < 1e-5)).toBe(true);
    const peak = Math.max(...logarithms!.subarray(0, half));
    const least = Math.min(...raised!.subarray(0, half));
    expect(least).toBeCloseTo((peak - 4) / 4, 4);
    expect(raised!.subarray(half).every((value) => Math.abs(value + 1.5) < 1e-5)).toBe(true);
  }));
