// The server as it is started, asked and ended: OpenAI's client over HTTP.
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  buildCommand,
  commandLine,
  expectRefusal,
  jsonLines,
  root,
  run,
  taskFolder,
} from '../support/cli.ts';

// Several processes, each of which opens a device.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
beforeAll(buildCommand);

const phrases = 'models/phrases';
const messages = [{ role: 'user' as const, content: 'Marie Curie' }];
const started: ChildProcess[] = [];
afterAll(() => started.forEach((child) => child.kill('SIGKILL')));

interface Started {
  readonly url: string;
  readonly end: (signal: 'SIGINT' | 'SIGTERM') => Promise<Ended>;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command at a free port, and waits until it says where it is. */
async function start(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Started> {
  const [program = '', ...before] = commandLine;
  const all = [...before, 'serve', ...args, '--port', '0'];
  const child = spawn(program, all, { cwd: root, env: { ...process.env, ...env } });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
      const [, found] = / at (http:\S+)\/v1\n/.exec(stderr) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`did not start: ${stderr}`)));
  });
  const end = (signal: 'SIGINT' | 'SIGTERM'): Promise<Ended> => {
    child.kill(signal);
    return ended;
  };
  return { url, end };
}

test('serve answers, and ends its streams before it ends', async () => {
  const chat = await taskFolder('gpt2');
  const ranks = await taskFolder('bert/rank');
  const search = await taskFolder('bert/features');
  const models = [phrases, `chat=${chat}`, `rank=${ranks}`, `search=${search}`];
  const { url, end } = await start(
    { WEBGPU_TRANSFORMER_API_KEY: 'second, third' },
    ...models,
    '--api-key',
    'first',
  );
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'second', maxRetries: 0 });
  const listed = (await client.models.list()).data as unknown as { id: string; task: string }[];
  expect(Object.fromEntries(listed.map(({ id, task }) => [id, task]))).toEqual({
    phrases: 'text2text-generation',
    chat: 'text-generation',
    rank: 'text-ranking',
    search: 'embeddings',
  });
  const asking = { model: 'phrases', prompt: '>>de<<in 3 days', max_tokens: 30 };
  const whole = await client.completions.create(asking);
  expect(whole.choices[0]!.text).toBe('in 3 Tagen');
  const wrongKey = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'fourth', maxRetries: 0 });
  await expect(wrongKey.models.list()).rejects.toMatchObject({ status: 401 });

  // What is no HTTP, and a body that is cut off, end nothing but themselves.
  for (const text of [
    'GET * HTTP/1.1\r\n\r\n',
    'POST /v1/completions HTTP/1.1\r\ncontent-length: 9\r\n\r\n{',
  ]) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    socket.destroySoon();
  }
  // A client that goes away stops what it asked for.
  const left = new AbortController();
  const many = client.chat.completions.create(
    { model: 'chat', messages, max_tokens: 70, n: 8, stream: true },
    { signal: left.signal },
  );
  for await (const chunk of await many) {
    if (chunk.choices[0]?.delta.content !== '') left.abort();
  }

  const stream = await client.chat.completions.create({
    model: 'chat',
    messages,
    max_tokens: 70,
    stream: true,
    stream_options: { include_usage: true },
  });
  let [ending, tokens]: [Promise<Ended> | undefined, number] = [undefined, 0];
  for await (const { usage } of stream) {
    ending ??= end('SIGTERM');
    tokens = usage?.completion_tokens ?? 0;
  }
  expect(tokens).toBeGreaterThan(0);
  const { code, stdout, stderr } = await ending!;
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^Serving phrases, chat, rank, search at http:\/\/127\.0\.0\.1:\d+\/v1\n$/,
  );
  const log = jsonLines(stdout) as { status: number; path: string; completionTokens?: number }[];
  const statuses = log.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
  expect(statuses).toContain(401);
  const dropped = log.filter(({ path }) => path === '/v1/chat/completions')[0]!;
  expect(dropped.completionTokens).toBeLessThan(8 * 70);
  expect(log.at(-1)).toMatchObject({
    path: '/v1/chat/completions',
    status: 200,
    completionTokens: tokens,
  });
});

test('Ctrl-C ends a server that nobody asks, and one without a key says so', async () => {
  const { end } = await start({}, phrases, '--host', '0.0.0.0');
  const { code, stdout, stderr } = await end('SIGINT');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toContain('Everyone who reaches 0.0.0.0 may use this server.');
});

test('wrong calls', async () => {
  expectRefusal(await run('serve'), 'No model is named');
  expectRefusal(await run('serve', 'a/x', 'b/x'), 'Two models are called "x"');
  expectRefusal(await run('serve', phrases, '--port', '70000'), 'wanted 0 to 65535');
  expectRefusal(await run('serve', phrases, '--task', 'phrase=embeddings'), 'wanted NAME=TASK');
  expectRefusal(await run('serve', phrases, '--task', 'phrases=chat'), '--task is "chat"');
  expectRefusal(await run('serve', 'models/digits'), 'fits image-classification');
  expectRefusal(await run('serve', phrases, '--host', 'none.invalid'), 'cannot listen');
});
