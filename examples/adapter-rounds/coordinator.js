// ROUNDS_KEY=… node coordinator.js [FOLDER] --workers 4: hosts rounds of training in the manner of DiLoCo (Douillard et al.
// 2023, arXiv 2311.08105). Each round it sends the common adapter out, waits for what the workers made of it, and merges
// that into the next version. It needs no GPU, and goes on from its last version when it is started again.
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { adapterDelta, adapterFile, mergeAdapters, outerStep } from 'webgpu-transformer/training';
import { readLast, tensorsOf, write } from './versions.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '8787' },
    rounds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '4' }, // a round ends when so many have answered,
    seconds: { type: 'string', default: '120' }, // or after this time, if enough have:
    trim: { type: 'string', default: '1' }, // so many may lie, and 2 · trim + 1 are enough
    steps: { type: 'string', default: '50' }, // of a worker in a round
  },
});
const [folder = 'rounds'] = positionals;
const [rounds, workers, seconds, trim, steps] = [
  'rounds',
  'workers',
  'seconds',
  'trim',
  'steps',
].map((name) => Number(values[name]));
const key = process.env.ROUNDS_KEY;
if (!key) throw new Error('Set ROUNDS_KEY to a secret that the workers have, too.');

let current = await readLast(folder);
/** Differences of the round that is on, by the workers' names; undefined while there is none. */
let updates;
let endRound;

const server = new WebSocketServer({
  port: Number(values.port),
  maxPayload: 64 * 1024 * 1024,
  verifyClient: ({ req }) => isKey(req.headers.authorization),
});
server.on('connection', (socket, { url }) => {
  socket.on('error', (error) => console.error(`${url}: ${error.message}`));
  socket.on('message', async (data) => {
    const refusal = await take(url, data).catch((error) => error.message);
    if (refusal === undefined) return;
    console.error(`${url}: refused. ${refusal}`);
    send(socket, { refused: refusal });
  });
  send(socket, roundMessage());
});
server.on('listening', () => {
  console.log(`version ${current.version}, port ${server.address().port}`);
});

while (current.version < rounds) {
  const deltas = await collect();
  const merged = mergeAdapters(
    deltas,
    deltas.map(() => 1), // all did as many steps; a weight from a worker would be one more thing to lie about
    { maxNorm: 'median', trim: Math.min(trim, (deltas.length - 1) >> 1) },
  );
  const { version, velocity } = current;
  const state = velocity && { version, velocity };
  const next = outerStep(current.adapter, merged, { state });
  current = { ...next.state, config: current.config, adapter: next.adapter };
  await write(folder, current);
  console.log(`version ${current.version} of ${deltas.length} updates`);
  for (const socket of server.clients) send(socket, roundMessage());
}
for (const socket of server.clients) socket.close(1000, 'done');
server.close();

/** Waits until a round is over. Result: its differences in the order of the workers' names, so that sums are repeatable. */
function collect() {
  updates = new Map();
  return new Promise((resolve) => {
    const timer = setInterval(() => updates.size > 2 * trim && endRound(), seconds * 1000);
    endRound = () => {
      clearInterval(timer);
      const ordered = [...updates].toSorted(([a], [b]) => (a < b ? -1 : 1));
      updates = undefined;
      resolve(ordered.map(([, delta]) => delta));
    };
  });
}

/** Takes what a worker sent. Result: why not, if not. */
async function take(name, data) {
  const { version, weights } = JSON.parse(String(data));
  const after = await tensorsOf(Buffer.from(String(weights), 'base64'));
  if (updates === undefined || version !== current.version) return 'That round is over.';
  if (updates.has(name)) return 'There is an update of this name already.';
  // Refuses other tensors, other shapes, and values that are no finite numbers.
  updates.set(name, adapterDelta(after, current.adapter));
  if (updates.size >= workers) endRound();
  return undefined;
}

function roundMessage() {
  const { version, config, adapter } = current;
  const weights = Buffer.from(adapterFile(adapter).bytes).toString('base64');
  return { version, steps, config, weights };
}

function send(socket, message) {
  socket.send(JSON.stringify(message));
}

/** Hashes have one length, and are compared in constant time. */
function isKey(given = '') {
  const hash = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(`Bearer ${key}`));
}
