// The example of rounds over WebSockets: four workers of which one lies and one is killed, a coordinator that is killed,
// and what they learn all the same.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Consumer, installExample } from './consumer.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

const steps = ['--steps', '5', '--rounds', '3'];
let example: Consumer;
beforeAll(async () => {
  example = await installExample('adapter-rounds');
  await example.write({ 'liar.js': liar });
});

/** A worker that sends garbage, and then a lie that is well formed. It says which adapters it was sent. */
const liar = `
import { createHash } from 'node:crypto';
import { WebSocket } from 'ws';
const [server] = process.argv.slice(2);
const headers = { authorization: 'Bearer ' + process.env.ROUNDS_KEY };
const connect = () => {
  const socket = new WebSocket(server + '/d', { headers });
  socket.on('error', () => {});
  socket.on('close', (code, reason) => (String(reason) === 'done' ? undefined : setTimeout(connect, 500)));
  socket.on('message', (data) => {
    const { refused, version, weights } = JSON.parse(String(data));
    if (refused !== undefined) return console.log('refused: ' + refused);
    console.log('version ' + version + ' ' + createHash('sha256').update(weights).digest('hex'));
    const bytes = Buffer.from(weights, 'base64');
    const forged = (valueOf) => {
      const copy = Buffer.from(bytes);
      const first = 8 + Number(copy.readBigUInt64LE(0));
      for (let at = first; at < copy.length; at += 4) copy.writeFloatLE(valueOf(copy.readFloatLE(at)), at);
      return copy.toString('base64');
    };
    const header = JSON.stringify({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }).padEnd(64);
    const other = Buffer.concat([Buffer.from([64, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header), Buffer.alloc(4)]);
    const send = (message) => socket.send(JSON.stringify(message));
    socket.send('{');
    send({ version, weights: forged(() => NaN) });
    send({ version, weights: bytes.subarray(0, -8).toString('base64') });
    send({ version, weights: other.toString('base64') });
    send({ version: version - 1, weights });
    send({ version, weights: forged((value) => value + 1e6) });
    setTimeout(() => send({ version, weights: forged((value) => value - 1e6) }), 300);
  });
};
connect();
`;

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Waits until it has printed what fits. Rejects where it ends before. */
  readonly said: (wanted: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<number | null>;
}

function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, args, {
    cwd: example.folder,
    env: { ...process.env, ROUNDS_KEY: 'a secret' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      look();
    });
  }
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  const said = (wanted: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      look = () => {
        const found = wanted.exec(output);
        if (found !== null) resolve(found);
      };
      look();
      void ended.then(() => reject(new Error(`It ended without ${wanted}:\n${output}`)));
    });
  return { child, output: () => output, said, ended };
}

/** A coordinator, and where it listens. */
async function coordinate(...args: readonly string[]): Promise<Running & { server: string }> {
  const running = start('coordinator.js', ...args);
  const [, port] = await running.said(/port (\d+)/);
  return { ...running, server: `ws://localhost:${port}` };
}

const work = (name: string, share: number, server: string): Running =>
  start('worker.js', name, `data/share-${share}.tsv`, '--server', server);

async function heldOutLoss(version: string): Promise<number> {
  const { code, output } = await example.node('evaluate.js', version, 'data/held-out.tsv');
  expect({ code, output }).toMatchObject({ code: 0 });
  return Number(/^\d\.\d{3}$/m.exec(output)?.[0]);
}

function bytesOf(folder: string, version: number): Promise<Buffer[]> {
  const files = ['adapter_config.json', 'adapter_model.safetensors'];
  const all = [...files, 'velocity/adapter_model.safetensors'];
  return Promise.all(
    all.map((file) => readFile(path.join(example.folder, folder, String(version), file))),
  );
}

let lossAlone = Infinity;

test('one honest worker', async () => {
  await example.node('start.js', 'alone');
  const alone = ['--workers', '1', '--trim', '0', '--seconds', '600', ...steps];
  const { ended, server } = await coordinate('alone', '--port', '0', ...alone);
  const { said, ended: worked } = work('a', 1, server);
  await said(/round 2: loss/);
  expect([await ended, await worked]).toEqual([0, 0]);
  lossAlone = await heldOutLoss('alone/3');
});

test('one of four dies, one lies, and the coordinator is killed meanwhile', async () => {
  await example.node('start.js', 'rounds');
  const before = await heldOutLoss('rounds/0');
  const all = ['--workers', '4', '--trim', '1', ...steps];
  const first = await coordinate('rounds', '--port', '0', '--seconds', '600', ...all);
  const { server } = first;
  const [a, b, c] = ['a', 'b', 'c'].map((name, i) => work(name, i + 1, server));
  const d = start('liar.js', server);
  await first.said(/version 1 of 4 updates/);
  await c!.said(/round 0/);
  for (const { child } of [c!, first]) child.kill('SIGKILL');
  await first.ended;
  const kept = await bytesOf('rounds', 1);

  const port = new URL(server).port;
  const second = await coordinate('rounds', '--port', port, '--seconds', '3', ...all);
  expect(second.output()).toContain(`version 1, port ${port}`);
  expect([await second.ended, await a!.ended, await b!.ended, await d.ended]).toEqual([0, 0, 0, 0]);
  expect(second.output()).toMatch(/version 2 of 3 updates[^]*version 3 of 3 updates/);
  expect(await bytesOf('rounds', 1)).toEqual(kept);
  // What both coordinators sent of version 1 are the bytes on disk.
  const sent = [...d.output().matchAll(/^version 1 (\w+)$/gm)].map(([, hash]) => hash);
  const hash = createHash('sha256').update(kept[1]!.toString('base64')).digest('hex');
  expect(sent.length).toBeGreaterThan(0);
  expect(new Set(sent)).toEqual(new Set([hash]));

  const refusals = d.output();
  expect(refusals).toMatch(/refused: .*JSON/);
  expect(refusals).toContain('no finite number');
  expect(refusals).toContain('refused: That round is over.');
  expect(refusals).toMatch(/refused: .* has no tensor "base_model/);
  expect(refusals).toContain('refused: There is an update of this name already.');

  const merged = await heldOutLoss('rounds/3');
  console.log(`held-out loss ${before}; of one alone ${lossAlone}, of the rounds ${merged}`);
  expect(before - merged).toBeGreaterThan(0.8 * (before - lossAlone));
  expect(before - lossAlone).toBeGreaterThan(1);
});

test('who has no key is not let in', async () => {
  await example.node('start.js', 'closed');
  const { server, output } = await coordinate('closed', '--port', '0', ...steps);
  await example.write({
    'stranger.js': `
import { WebSocket } from 'ws';
const socket = new WebSocket(${JSON.stringify(server)}, { headers: { authorization: 'Bearer a secre' } });
socket.on('error', (error) => console.log(error.message));
socket.on('message', () => console.log('let in'));`,
  });
  expect(await example.node('stranger.js')).toEqual({
    code: 0,
    output: 'Unexpected server response: 401\n',
  });
  expect(output()).not.toContain('refused');
});
