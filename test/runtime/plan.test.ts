// Recordings and plans: memory, replaying, and what happens when something is wrong.
import { expect, test } from 'vitest';
import { kernel, type Kernel } from '../../src/runtime/kernel.ts';
import { shareMemory } from '../../src/runtime/memory-plan.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import { Bench, expectMatchesReference, expectStepMatches } from '../support/check.ts';
import { withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectError } from '../support/safetensors.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';

/** Records a drawn network of products, norms and residuals; returns all its results. */
function drawNetwork(bench: Bench, random: Random): Tensor[] {
  const widths = random.unlikePrimes(4, 23);
  const rows = random.integer(1, 9);
  const tensors = [bench.input('x', [rows, widths[0]!], random.values(rows * widths[0]!))];
  const results: Tensor[] = [];
  for (let i = 0; i < 14; i++) {
    const x = random.pick(tensors);
    const [from, to] = [x.size(-1), random.pick(widths)];
    const same = tensors.filter((tensor) => tensor.size(-1) === from);
    let y: Tensor;
    if (random.next() < 0.5) {
      const data = random.values(from * to, { scale: 0.2 });
      y = matmul(x, bench.weight([from, to], data), { label: `product ${i}` });
    } else {
      const [weight, bias] = [1, 2].map(() => bench.weight([from], random.values(from)));
      const weights = { weight: weight!, bias: bias!, eps: 1e-5 };
      y = normalize(x, weights, { residual: random.pick(same), label: `norm ${i}` });
    }
    tensors.push(y);
    results.push(y);
  }
  return results;
}

/** First and last dispatch that binds each tensor the recording computes. */
function lifetimes(recording: Recording): Map<Tensor, [number, number]> {
  const spans = new Map<Tensor, [number, number]>();
  recording.dispatches.forEach(({ bindings }, i) => {
    for (const tensor of Object.values(bindings)) {
      if (tensor === undefined || tensor.buffer !== undefined) continue;
      spans.set(tensor, [spans.get(tensor)?.[0] ?? i, i]);
    }
  });
  return spans;
}

test('tensors alive at once never share memory, others do', () =>
  withGpu({}, async (gpu) => {
    let saved = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const random = new Random(seed);
      const bench = new Bench(gpu);
      const results = drawNetwork(bench, random);
      const outputs = [results.at(-1)!, random.pick(results)];
      const spans = lifetimes(bench.recording);
      for (const tensor of outputs) spans.get(tensor)![1] = Infinity;
      const places = shareMemory(bench.recording, outputs);
      const tensors = [...spans];
      for (const [i, [a, [aFirst, aLast]]] of tensors.entries()) {
        expect(places.get(a)!.buffer.size, `seed ${seed}`).toBeGreaterThanOrEqual(a.byteLength);
        for (const [b, [bFirst, bLast]] of tensors.slice(i + 1)) {
          if (aLast < bFirst || bLast < aFirst) continue;
          const other = places.get(b)!.buffer;
          expect(places.get(a)!.buffer, `seed ${seed}: ${a.label}, ${b.label}`).not.toBe(other);
        }
      }
      const buffers = new Set([...places.values()].map(({ buffer }) => buffer));
      const total = [...buffers].reduce((sum, { size }) => sum + size, 0);
      const apart = tensors.reduce((sum, [tensor]) => sum + Math.max(16, tensor.byteLength), 0);
      expect(total).toBeLessThanOrEqual(apart);
      saved += apart - total;
      bench.dispose();
    }
    expect(saved).toBeGreaterThan(0);
    await Promise.resolve();
  }));

test('a drawn network keeps its values in shared memory, and its outputs to the end', () =>
  withGpu({}, async (gpu) => {
    for (let seed = 11; seed <= 14; seed++) {
      const random = new Random(seed);
      const bench = new Bench(gpu);
      const results = drawNetwork(bench, random);
      const outputs = [results[0]!, results[5]!, results.at(-1)!];
      const { write } = bench;
      const got = await expectMatchesReference(bench.recording, { write, outputs, seed });
      const played = await got.plan.play();
      played.forEach((bytes, i) => {
        expect([...new Float32Array(bytes)], `seed ${seed}`).toEqual([...got.outputs[i]!]);
      });
      bench.dispose();
    }
  }));

test('a plan is replayed with new data, several times at once', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [1, 2]);
    const plan = await Plan.create(recording, [softmax(softmax(x)), x]);
    const inputs = [1, 2, 3, 4, 5].map((value) => Float32Array.from([value, -value]));
    const plays = inputs.map((data) => {
      plan.write(x, data);
      return plan.play();
    });
    const results = await Promise.all(plays);
    results.forEach(([, echo], i) => expect(new Float32Array(echo!)).toEqual(inputs[i]));
    expect(new Set(results.map(([y]) => new Float32Array(y!)[0])).size).toBe(5);
    const { buffers } = gpu.memory;
    for (const data of inputs) {
      plan.write(x, data);
      await plan.play();
      await expectStepMatches(plan);
    }
    expect(gpu.memory.buffers).toBe(buffers);
    plan.dispose();
  }));

test('a recording is described line by line', () =>
  withGpu({ tier: 'gpu', features: [] }, async (gpu) => {
    const recording = new Recording(gpu);
    const y = softmax(recording.persistent('x', [2, 3]));
    softmax(y);
    expect(recording.describe().split('\n')).toEqual([
      'softmax-workgroup [2] x: x f32(2, 3); y: softmax f32(2, 3) | rows 2, columns 3',
      'softmax-workgroup [2] x: softmax f32(2, 3); y: softmax f32(2, 3) | rows 2, columns 3',
    ]);
    const plan = await Plan.create(recording, []);
    const times = await plan.profile();
    expect(times.map(({ dispatch }) => dispatch)).toEqual(recording.dispatches);
    expect(times.every(({ milliseconds }) => milliseconds > 0)).toBe(true);
    plan.dispose();
  }));

/** A kernel of one line after two lines of another file. */
function kernelOf(line: string): Kernel {
  return kernel({
    name: 'test-kernel',
    code: [
      { file: 'before.wgsl', text: '// one\n// two' },
      {
        file: 'test-kernel.wgsl',
        text: [
          'struct Params {',
          '  count: u32,',
          '}',
          '@group(0) @binding(0) var<uniform> params: Params;',
          '@group(0) @binding(1) var<storage, read> x: array<f32>;',
          '@group(0) @binding(2) var<storage, read_write> y: array<f32>;',
          '@compute @workgroup_size(1) fn test_kernel() {',
          `  ${line}`,
          '}',
        ].join('\n'),
      },
    ],
    bindings: { x: 'read', y: 'write' },
    params: { count: 'u32' },
    constants: { SIZE: [1, 2] },
  });
}

const request = { params: { count: 1 }, constants: { SIZE: 2 }, workgroups: 1 };

test('a kernel that does not compile is named with its file and line', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [4]);
    const y = recording.transient('y', [4]);
    const broken = kernelOf('y[0] = x[0] + f32(params.count) * colour;');
    recording.dispatch({ ...request, kernel: broken, bindings: { x, y } });
    const parts = ['test-kernel', 'test-kernel.wgsl:8', 'colour'];
    await expectError(Plan.create(recording, [y]), 'SHADER_INVALID', ...parts);
    // Asked again, it is compiled again, and fails again.
    await expectError(Plan.create(recording, [y]), 'SHADER_INVALID', ...parts);

    const wrong = kernelOf('y[0] = x[0] + f32(params.count * SIZE); x[0] = 1;');
    const second = new Recording(gpu);
    const z = second.transient('z', [4]);
    const bindings = { x: second.use(x), y: z };
    second.dispatch({ ...request, kernel: wrong, bindings });
    await expectError(Plan.create(second, [z]), 'SHADER_INVALID', 'test-kernel.wgsl:8');
    second.dispose();
    recording.dispose();
  }));

test('what WebGPU refuses becomes an error of the play', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [4]);
    const works = kernelOf('y[0] = x[0] + f32(params.count * SIZE);');
    // One buffer, read and written by the same dispatch.
    recording.dispatch({ ...request, kernel: works, bindings: { x, y: x } });
    const plan = await Plan.create(recording, [x]);
    await expectError(plan.play(), 'VALIDATION_FAILED', 'report');
    await expectError(plan.profile(), 'VALIDATION_FAILED', 'report');
    plan.dispose();
  }));

test('mistakes in recording are refused when they are made', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [4]);
    const y = recording.transient('y', [4]);
    const works = kernelOf('y[0] = x[0] + f32(params.count * SIZE);');
    const good = { ...request, kernel: works, bindings: { x, y } };
    expect(() => recording.dispatch({ ...good, bindings: { x, z: y } })).toThrow('binds no z');
    expect(() => recording.dispatch({ ...good, constants: {} })).toThrow('SIZE is not set');
    recording.dispatch({ ...good, workgroups: 0 });
    expect(recording.dispatches).toEqual([]);
    recording.dispatch(good);
    expect(() => recording.dispatch(good)).toThrow('already has a value');
    const other = new Recording(gpu);
    await expectError(() => other.use(y), 'INPUT_INVALID', 'no buffer of its own');
    await expectError(() => other.dispatch(good), 'INPUT_INVALID', 'another recording');
    const plan = await Plan.create(recording, []);
    expect(() => plan.write(x, new Float32Array(3))).toThrow('takes 4, got 3');
    expect(() => plan.write(other.transient('z', [1]), new Float32Array(1))).toThrow('not part of');
    plan.dispose();

    const third = new Recording(gpu);
    const bindings = { x: third.persistent('x', [4]), y: third.transient('y', [4]) };
    third.dispatch({ ...good, bindings, params: {} });
    await expect(Plan.create(third, [])).rejects.toThrow('params.count is not set');
    for (const used of [other, third]) used.dispose();
  }));

test('a plan that was disposed refuses work, also in the middle of it', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [2, 2]);
    const plan = await Plan.create(recording, [softmax(x)]);
    const pending = plan.play();
    plan.dispose();
    await expectError(pending, 'DISPOSED', 'disposed');
    await expectError(plan.play(), 'DISPOSED', 'Load it again');
    await expectError(() => plan.write(x, new Float32Array(4)), 'DISPOSED');
    plan.dispose();
  }));

test('the check sees memory that was overwritten', () =>
  withGpu({}, async (gpu) => {
    const recording = new Recording(gpu);
    const x = recording.persistent('x', [2]);
    const plan = await Plan.create(recording, [softmax(x), softmax(x)]);
    plan.write(x, Float32Array.from([1, 2]));
    const trace = plan.trace.bind(plan);
    // Between the two dispatches that read x, another hand writes to it.
    plan.trace = (visit) =>
      trace(async (dispatch, read) => {
        const after = await visit(dispatch, read);
        return async () => {
          await after();
          gpu.device.queue.writeBuffer(x.buffer!, 0, Float32Array.from([1, 3]));
        };
      });
    await expect(expectStepMatches(plan)).rejects.toThrow(
      /^dispatch 1, softmax.*: x f32\(2\) was overwritten: element 1 is 3, but 2 was written/,
    );
    plan.dispose();
  }));

test('results that no single buffer can hold together are brought back in several', () =>
  withGpu({}, async (gpu) => {
    const { limits } = gpu.device;
    const small = new Proxy(limits, {
      get: (real, name): unknown =>
        name === 'maxBufferSize' ? 4096 : Reflect.get(real, name, real),
    });
    const bench = new Bench(gpu);
    const random = new Random(9);
    const values = [1, 700, 300, 1024, 5].map((size) => random.values(size));
    const inputs = values.map((data, i) => bench.input(`input ${i}`, [data.length], data));
    const plan = await Plan.create(bench.recording, inputs);
    for (const [tensor, data] of bench.write) plan.write(tensor, data);
    Object.defineProperty(gpu.device, 'limits', { value: small, configurable: true });
    for (let play = 0; play < 2; play++) {
      const outputs = await plan.play();
      expect(outputs.map((bytes) => new Float32Array(bytes))).toEqual(values);
    }
    plan.dispose();
    bench.dispose();
  }));
