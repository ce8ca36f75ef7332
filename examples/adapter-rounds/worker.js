// ROUNDS_KEY=… node worker.js NAME PAIRS.tsv: trains the coordinator's adapter on its own pairs, a round after another. The
// pairs stay here; the adapter, as it is after a round, is sent.
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { loadLora, Trainer } from 'webgpu-transformer/training';
import { openModel, readBatches } from './translator.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'ws://localhost:8787' },
    batch: { type: 'string', default: '4' },
    rate: { type: 'string', default: '0.003' },
  },
});
const [worker, file] = positionals;
const batches = await readBatches(file, Number(values.batch));
const model = await openModel();

while (!(await connection())) await wait(1000); // the coordinator is not there, or was killed
model.gpu.dispose();

/** Takes part in rounds as long as a connection lasts. Result: whether the coordinator said that it is done. */
async function connection() {
  const headers = { authorization: `Bearer ${process.env.ROUNDS_KEY}` };
  const socket = new WebSocket(`${values.server}/${encodeURIComponent(worker)}`, { headers });
  socket.on('error', (error) => console.error(error.message));
  // Of rounds the latest alone: what came while an older one was trained is not worth the time.
  const inbox = { round: undefined, end: undefined, wake: () => {} };
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.refused) console.error(`refused: ${message.refused}`);
    else inbox.round = message;
    inbox.wake();
  });
  socket.on('close', (code, reason) => {
    inbox.end = String(reason);
    inbox.wake();
  });
  while (inbox.end === undefined) {
    const { round } = inbox;
    inbox.round = undefined;
    if (round === undefined) {
      await new Promise((resolve) => (inbox.wake = resolve));
    } else {
      const weights = await train(round);
      socket.send(JSON.stringify({ version: round.version, weights }), () => {});
    }
  }
  return inbox.end === 'done';
}

/**
 * Some steps of AdamW from the common adapter. Departs from DiLoCo: its workers keep the optimizer's state from one round to
 * the next; these begin anew, so that one which comes late, or comes back, is as good as any.
 */
async function train({ version, steps, config, weights }) {
  const files = {
    'adapter_config.json': Buffer.from(config),
    'adapter_model.safetensors': Buffer.from(weights, 'base64'),
  };
  const lora = await loadLora(model, { read: async (name) => files[name] });
  const trainer = new Trainer(model, {
    adapter: lora,
    learningRate: Number(values.rate),
    maxGradNorm: 1,
  });
  let last;
  const batch = (index) => batches(version * steps + index);
  for await (const { loss } of trainer.steps(batch, { maxSteps: steps })) last = loss;
  console.log(`round ${version}: loss ${last.toFixed(3)}`);
  const trained = (await lora.files()).find(({ name }) => name === 'adapter_model.safetensors');
  trainer.dispose();
  lora.dispose();
  return Buffer.from(trained.bytes).toString('base64');
}
