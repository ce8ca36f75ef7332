// The command `serve` of the built package, as a process of its own.

import { spawn } from 'node:child_process';
import path from 'node:path';

export interface Server {
  readonly url: string;
  /** What the process holds in memory, by its own metrics. */
  readonly megabytes: () => Promise<number>;
  /** Ends it as an operator would; its exit code. */
  readonly end: () => Promise<number | null>;
}

export async function startServer(args: readonly string[]): Promise<Server> {
  const command = path.join(process.cwd(), 'dist/cli.js');
  const child = spawn(process.execPath, [command, 'serve', ...args, '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill());
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.stderr.on('data', (text: Buffer) => {
      told += text.toString();
      const [, found] = / at (http:\S+)\/v1\n/.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`The server did not start: ${told}`)));
  });
  return {
    url,
    megabytes: async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const [, bytes] = /^process_resident_memory_bytes (\d+)$/m.exec(metrics) ?? [];
      return Number(bytes) / 2 ** 20;
    },
    end: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
