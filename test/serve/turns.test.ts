// Who waits, who runs, and who is sent away.
import { expect, test } from 'vitest';
import { createHandler, type Handler, type LogEntry } from 'webgpu-transformer/serve';
import { FairQueue } from '../../src/serve/fair-queue.ts';
import { QueueFull } from '../../src/serve/scheduler.ts';
import { post } from '../support/openai.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';

const path = '/v1/completions';
const body = { model: 'chat', prompt: 'Who?', max_tokens: 80 };
const never = new AbortController().signal;

/** A model of which each step waits for `go`; `stopped` are the steps at which it saw its signal. */
async function halting() {
  const gates: (() => void)[] = [];
  const stopped: number[] = [];
  const step = (signal: AbortSignal, index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        stopped.push(index);
        reject(new DOMException('stopped', 'AbortError'));
      };
      signal.addEventListener('abort', stop);
      gates.push(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  const { pipeline } = await scriptedPipeline({ text: 'Marie Curie', step });
  const go = (): void => gates.splice(0).forEach((open) => open());
  return { pipeline, go, gates, stopped };
}

/** Lets what is on its way arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
}

/** Opens gates until a request has its answer. */
async function through(answer: Promise<Response>, go: () => void): Promise<Response> {
  const state = { isDone: false };
  void answer.finally(() => (state.isDone = true));
  while (!state.isDone) {
    go();
    await settle();
  }
  return answer;
}

test('clients take turns, and the queue ends', async () => {
  const queue = new FairQueue(1, 5);
  const order: string[] = [];
  const work = (client: string, name: string): Promise<void> =>
    queue.run(client, never, async () => {
      order.push(name);
      await settle();
    });
  const running = work('a', 'a0');
  const waiting = [
    work('a', 'a1'),
    work('a', 'a2'),
    work('a', 'a3'),
    work('b', 'b1'),
    work('c', 'c1'),
  ];
  expect(queue.load).toEqual({ waiting: 5, running: 1 });
  expect(() => work('d', 'd1')).toThrow(QueueFull);
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'a3']);
  expect(queue.load).toEqual({ waiting: 0, running: 0 });
});

test('work that fails, and one that no longer waits, leave their places', async () => {
  const queue = new FairQueue(1, 5);
  const fails = queue.run('a', never, () => Promise.reject(new Error('no')));
  const leaves = new AbortController();
  const left = queue.run('a', leaves.signal, async () => 'done');
  leaves.abort();
  await expect(left).rejects.toMatchObject({ name: 'AbortError' });
  await expect(fails).rejects.toThrow('no');
  expect(await queue.run('b', never, async () => 'done')).toBe('done');
  expect(queue.load).toEqual({ waiting: 0, running: 0 });
});

test('429 with Retry-After when too many wait', async () => {
  const { pipeline, go } = await halting();
  const handler = createHandler({
    models: { chat: pipeline },
    limits: { sequences: 1, waiting: 1 },
  });
  const running = post(handler, path, body);
  await settle();
  const waiting = post(handler, path, body);
  await settle();
  const refused = await post(handler, path, body);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({
    error: { code: 'queue_full', type: 'rate_limit_error' },
  });
  // Two choices that do not both fit leave no half of them behind.
  expect((await post(handler, path, { ...body, n: 2 })).status).toBe(429);
  const text = await (await handler(new Request('http://localhost/metrics'))).text();
  expect(text).toContain('requests_waiting 1\n');
  expect((await through(running, go)).status).toBe(200);
  expect((await through(waiting, go)).status).toBe(200);
  expect((await through(post(handler, path, body), go)).status).toBe(200);
});

function request(signal: AbortSignal, more: object = {}): Request {
  return new Request(`http://localhost${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, ...more }),
    signal,
  });
}

test('a client that goes away stops its request, running or waiting', async () => {
  const { pipeline, go, stopped } = await halting();
  const entries: LogEntry[] = [];
  const handler = createHandler({
    models: { chat: pipeline },
    limits: { sequences: 1 },
    log: (entry) => entries.push(entry),
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const running = handler(request(first.signal));
  const waiting = handler(request(second.signal));
  const last = handler(request(never));
  await settle();
  second.abort();
  expect((await waiting).status).toBe(499);
  first.abort();
  expect((await running).status).toBe(499);
  expect(stopped).toEqual([0]);
  expect((await through(last, go)).status).toBe(200);
  expect(entries.map(({ status }) => status)).toEqual([499, 499, 200]);
});

test('a reader that drops a stream stops it', async () => {
  const { pipeline, go, stopped } = await halting();
  const handler = createHandler({ models: { chat: pipeline } });
  const response = await through(handler(request(never, { stream: true })), go);
  const reader = response.body!.getReader();
  await reader.read();
  await settle();
  await reader.cancel();
  await settle();
  expect(stopped).toHaveLength(1);
  expect((await through(post(handler, path, body), go)).status).toBe(200);
});

test('a request that takes too long ends with 504, a stream with an event', async () => {
  const { pipeline, go } = await halting();
  const handler = createHandler({ models: { chat: pipeline }, limits: { time: 60 } });
  const late = await post(handler, path, body);
  expect(late.status).toBe(504);
  expect(await late.json()).toMatchObject({ error: { code: 'timeout', type: 'server_error' } });
  const streamed = post(handler, path, { ...body, stream: true });
  const response = await through(streamed, go);
  expect(response.status).toBe(200);
  expect((await response.text()).trimEnd().split('\n').at(-1)).toContain('"code":"timeout"');
});

async function isClosed(handler: Handler): Promise<boolean> {
  const { status } = await handler(new Request('http://localhost/healthz'));
  return status === 503;
}

test('closing refuses what comes, ends what has begun, and cuts off what takes too long', async () => {
  const { pipeline, go } = await halting();
  const handler = createHandler({ models: { chat: pipeline } });
  const response = await through(handler(request(never, { stream: true })), go);
  let isOver = false;
  const closing = handler.close().then(() => (isOver = true));
  expect(await isClosed(handler)).toBe(true);
  const refused = await post(handler, path, body);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
  expect(isOver).toBe(false);
  const text = response.text();
  const opening = setInterval(go, 1);
  expect(await text).toContain('[DONE]');
  await closing;
  clearInterval(opening);

  const slow = createHandler({ models: { chat: pipeline } });
  const halted = post(slow, path, body);
  await settle();
  await slow.close({ patience: 20 });
  expect((await halted).status).toBe(503);
  await expect(slow.close({ patience: NaN })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
