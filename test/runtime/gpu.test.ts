// A Gpu from its request to its end: options, loss, restoring, injected devices.
import { expect, onTestFinished, test, vi } from 'vitest';
import { Gpu, loadModel, pipeline, TransformerError } from 'webgpu-transformer';
import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import { expectError } from '../support/safetensors.ts';
import { withGpu } from '../support/gpu.ts';

async function expectRejection(call: Promise<unknown> | (() => unknown)): Promise<void> {
  const error: unknown = await (async () => (typeof call === 'function' ? call() : call))().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TransformerError);
}

/** A plan for softmax of two rows of two, with its input written. */
async function smallPlan(gpu: Gpu): Promise<Plan> {
  const recording = new Recording(gpu);
  const x = recording.persistent('x', [2, 2]);
  const plan = await Plan.create(recording, [softmax(x)]);
  plan.write(x, Float32Array.from([0, 0, 5, 5]));
  return plan;
}

async function expectHalves(plan: Plan): Promise<void> {
  const [bytes] = await plan.play();
  expect([...new Float32Array(bytes!)]).toEqual([0.5, 0.5, 0.5, 0.5]);
}

test('info describes the device, and options change it', async () => {
  const gpu = await Gpu.request({ tier: 'gpu', features: [] });
  expect(gpu.info.tier).toBe('gpu');
  expect(gpu.tier).toBe('gpu');
  expect(gpu.info.features).not.toContain('subgroups');
  expect(gpu.hasQuadSubgroups).toBe(false);
  expect(gpu.info.route.length).toBeGreaterThan(5);
  expect(gpu.info.vendor + gpu.info.architecture + gpu.info.description).not.toBe('');
  gpu.dispose();
  const own = await Gpu.request();
  expect(own.info.tier).toBe(own.info.isFallbackAdapter ? 'software' : 'gpu');
  own.dispose();
});

test('options that do not exist are refused, and a request can be cancelled', async () => {
  const misspelt = { teir: 'gpu' } as object;
  await expectError(Gpu.request(misspelt), 'OPTION_UNKNOWN', 'Gpu.request', 'Did you mean "tier"?');
  const error = await expectError(Gpu.request({ signal: AbortSignal.abort() }), 'ABORTED');
  expect(error.name).toBe('AbortError');
  const gpu = await Gpu.request();
  await expectError(
    () => Gpu.from(gpu.device, { limits: 'default' } as object),
    'OPTION_UNKNOWN',
    'Gpu.from',
  );
  gpu.dispose();
});

test('an adapter that nobody knows is refused', async () => {
  const name = 'quantum' as 'vulkan';
  await expectError(Gpu.request({ adapter: name }), 'OPTION_INVALID', 'adapter', '"quantum"');
});

test('what WebGPU refuses is an error of this library', async () => {
  onTestFinished(() => void vi.unstubAllGlobals());
  const reason = new DOMException('the driver is busy.', 'OperationError');
  const offer = (requestAdapter: () => Promise<object>): void =>
    void vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  offer(() => Promise.reject(reason));
  const none = await expectError(Gpu.request(), 'ADAPTER_NOT_FOUND', 'the driver is busy');
  expect(none.cause).toBe(reason);
  const adapter = {
    features: new Set(),
    limits: {},
    requestDevice: () => Promise.reject(reason),
  };
  offer(() => Promise.resolve(adapter));
  const refused = await expectError(Gpu.request(), 'DEVICE_REFUSED', 'busy', "limits: 'default'");
  expect(refused.cause).toBe(reason);
});

test('whatever is passed, errors are those of this library', async () => {
  const hostile: unknown[] = [null, 0, 'x', [null], Symbol('x'), 1n, () => 1];
  const gpu = await Gpu.request();
  for (const value of hostile) {
    for (const name of ['adapter', 'tier', 'features', 'powerPreference', 'limits', 'signal']) {
      // In browsers a named adapter is refused before its name is read.
      await expectRejection(Gpu.request({ [name]: value }));
    }
    await expectRejection(Gpu.request(value as object));
    await expectRejection(() => Gpu.from(value as GPUDevice));
    await expectRejection(pipeline(value as 'translation', 'x', { gpu }));
    await expectRejection(pipeline('translation', 'http://127.0.0.1:9/', value as object));
    for (const name of ['gpu', 'dtype', 'onProgress']) {
      await expectRejection(loadModel('http://127.0.0.1:9/', { gpu, [name]: value }));
    }
    if (typeof value !== 'string') await expectRejection(loadModel(value as string, { gpu }));
  }
  gpu.dispose();
});

test('default limits are those of WebGPU', () =>
  withGpu({ limits: 'default' }, async (gpu) => {
    expect(gpu.device.limits.maxBufferSize).toBe(2 ** 28);
    expect(gpu.device.limits.maxStorageBufferBindingSize).toBe(2 ** 27);
    expect(gpu.device.limits.maxComputeInvocationsPerWorkgroup).toBe(256);
    await Promise.resolve();
  }));

test('two Gpus work side by side', async () => {
  const [one, two] = await Promise.all([Gpu.request(), Gpu.request({ tier: 'gpu' })]);
  const [a, b] = await Promise.all([smallPlan(one), smallPlan(two)]);
  await Promise.all([expectHalves(a), expectHalves(b), expectHalves(a)]);
  a.dispose();
  one.dispose();
  expect(one.memory.bytes).toBe(0);
  expect(two.memory.bytes).toBeGreaterThan(0);
  await expectHalves(b);
  b.dispose();
  two.dispose();
});

test('a tensor of one Gpu is refused by a recording of another', async () => {
  const [one, two] = await Promise.all([Gpu.request(), Gpu.request()]);
  const [mine, other] = [new Recording(one), new Recording(two)];
  const x = mine.persistent('x', [2, 2]);
  const y = other.persistent('y', [2, 2]);
  softmax(x);
  const { kernel } = mine.dispatches[0]!;
  const request = { kernel, bindings: { x, y }, params: { rows: 2, columns: 2 }, workgroups: 1 };
  await expectError(() => mine.dispatch(request), 'INPUT_INVALID', 'another recording');
  mine.dispose();
  other.dispose();
  one.dispose();
  two.dispose();
});

test('a device destroyed in the middle of work ends it with DEVICE_LOST; restore() recovers', async () => {
  const gpu = await Gpu.request();
  const plan = await smallPlan(gpu);
  await expectHalves(plan);
  const { device } = gpu;
  const pending = plan.play();
  device.destroy();
  await expectError(pending, 'DEVICE_LOST', 'gpu.restore()');
  await device.lost;
  await expectError(plan.play(), 'DEVICE_LOST', 'gpu.restore()');
  await expectError(() => gpu.device, 'DEVICE_LOST');
  await expectError(() => new Scope(gpu), 'DEVICE_LOST');

  await gpu.restore();
  expect(gpu.device).not.toBe(device);
  await expectError(plan.play(), 'DEVICE_LOST', 'Load it again');
  plan.dispose();
  expect(gpu.memory.buffers).toBe(0);
  const again = await smallPlan(gpu);
  await expectHalves(again);
  again.dispose();
  gpu.dispose();
});

test('an injected device is used, and never destroyed', async () => {
  const owner = await Gpu.request();
  const { device } = owner;
  const guest = Gpu.from(device);
  expect(guest.info.route).toBe('an injected device');
  expect(guest.info.isFallbackAdapter).toBe(owner.info.isFallbackAdapter);
  expect(guest.tier).toBe(owner.tier);
  const plan = await smallPlan(guest);
  await expectHalves(plan);
  plan.dispose();
  await expectError(guest.restore(), 'DEVICE_LOST', 'Gpu.from');
  guest.dispose();
  await expectError(() => guest.device, 'DEVICE_LOST', 'disposed');
  await device.queue.onSubmittedWorkDone();
  const state = await Promise.race([device.lost, Promise.resolve('alive')]);
  expect(state).toBe('alive');
  const still = await smallPlan(owner);
  await expectHalves(still);
  still.dispose();
  owner.dispose();
});

test('dispose twice is dispose once, also through using', async () => {
  let kept: Gpu;
  {
    using gpu = await Gpu.request();
    kept = gpu;
    const plan = await smallPlan(gpu);
    plan.dispose();
    plan.dispose();
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    expect(gpu.memory.peakBytes).toBeGreaterThan(0);
    gpu.dispose();
  }
  await expectError(() => kept.device, 'DEVICE_LOST', 'disposed');
});

test('a buffer beyond the limits is refused before the device sees it', () =>
  withGpu({ limits: 'default' }, async (gpu) => {
    const scope = new Scope(gpu);
    const shape = [2 ** 25 + 1];
    await expectError(
      () => scope.tensor({ label: 'huge', shape, dtype: 'f32' }),
      'LIMIT_EXCEEDED',
      'huge needs 134217732 bytes',
      'allows 134217728',
    );
    expect(gpu.memory.buffers).toBe(0);
    scope.dispose();
  }));
