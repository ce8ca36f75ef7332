// webgpu-transformer serve: models behind the interface of OpenAI's API.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gpu } from '../../index.node.ts';
import {
  createHandler,
  type Handler,
  type ServedPipeline,
  type ServedTask,
} from '../../serve/index.ts';
import type { Command } from '../command.ts';
import { Interruption } from '../interruption.ts';
import { openPipeline } from '../load.ts';
import { UsageError } from '../options.ts';
import { httpServer } from './http-server.ts';
import { taskOf } from './served-models.ts';
import { serveOptions, serveSettings, type ServeSettings } from './settings.ts';

export const serve: Command = {
  form: 'serve MODEL…',
  summary: "models over HTTP, as clients of OpenAI's API expect them",
  details:
    'MODEL is a folder, a URL or hf:owner/name@revision, or NAME=MODEL. It serves /v1/chat/completions, ' +
    '/v1/completions, /v1/embeddings, /v1/rerank, /v1/audio/transcriptions, /v1/models, /healthz and /metrics, and ' +
    'logs a JSON object for each request. SIGTERM and Ctrl-C let it end what it has begun.',
  options: serveOptions,
  examples: [
    { call: 'serve DIR --port 8000' },
    { call: 'serve chat=hf:owner/name search=DIR --api-key KEY' },
    { call: 'serve DIR --host 0.0.0.0 --cors https://example.org' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const settings = serveSettings(args);
  using interruption = new Interruption();
  const { signal } = interruption;
  try {
    await serveUntil(signal, settings);
  } catch (error) {
    // Asked to end before it began to serve.
    if (!signal.aborted) throw error;
  }
}

async function serveUntil(signal: AbortSignal, settings: ServeSettings): Promise<void> {
  const tasks: ServedTask[] = [];
  // What is wrong with files is told before there is a device.
  for (const { source, task } of settings.models)
    tasks.push(task ?? (await taskOf(source, signal)));
  using gpu = await Gpu.request({ recover: true, signal });
  const models: Record<string, ServedPipeline> = {};
  try {
    for (const [index, task] of tasks.entries()) {
      const { name = '', source = '' } = settings.models[index] ?? {};
      const { dtype, quiet } = settings;
      models[name] = await openPipeline(task, source, { gpu, dtype, quiet, signal });
    }
    await serveModels(models, settings, signal);
  } finally {
    for (const model of Object.values(models)) model.dispose();
  }
}

async function serveModels(
  models: Readonly<Record<string, ServedPipeline>>,
  settings: ServeSettings,
  signal: AbortSignal,
): Promise<void> {
  const log = settings.quiet ? {} : { log: (entry: object) => console.log(JSON.stringify(entry)) };
  const handler = createHandler({ ...settings.handler, ...log, models });
  const server = await listen(httpServer(handler), settings);
  announce(server, settings, Object.keys(models));
  await aborted(signal);
  await close(server, handler, settings.grace);
}

/** @throws UsageError where the address is taken, or none */
async function listen(server: Server, { port, host }: ServeSettings): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) => {
      reject(
        new UsageError(`The server cannot listen: ${message}. Pass another --port or --host.`),
      );
    });
    server.listen(port, host, resolve);
  });
  return server;
}

/** Says on stderr where the server is; stdout is for the log. */
function announce(
  server: Server,
  { host, handler, quiet }: ServeSettings,
  names: readonly string[],
): void {
  const { address, port, family } = server.address() as AddressInfo;
  const isOpen = (handler.apiKeys ?? []).length === 0 && !/^(127\.|::1$)/.test(address);
  if (isOpen) {
    console.error(
      `Everyone who reaches ${host} may use this server. Pass --api-key to ask for a key.`,
    );
  }
  if (quiet) return;
  const where = family === 'IPv6' ? `[${address}]` : address;
  console.error(`Serving ${names.join(', ')} at http://${where}:${port}/v1`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Takes no more requests, and ends those that it has. */
async function close(server: Server, handler: Handler, patience: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await handler.close({ patience });
  server.closeIdleConnections();
  // What has been answered may not have been read yet.
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(timer);
}
