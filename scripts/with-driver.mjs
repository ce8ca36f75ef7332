// Runs a command in an environment where WebGPU finds an adapter, also on a machine without a GPU:
//   node scripts/with-driver.mjs COMMAND [ARGUMENTS…]
// The variables must be there before the process starts, hence a launcher. See driver.mjs for them.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { driverEnvironment } from './driver.mjs';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('Usage: node scripts/with-driver.mjs COMMAND [ARGUMENTS…]');
  process.exit(2);
}

const bin = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
/** @type {Record<string, string>} */
let added;
try {
  added = await driverEnvironment(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const child = spawn(command, args, {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: {
    ...process.env,
    ...added,
    PATH: `${bin}${path.delimiter}${added.PATH ?? process.env.PATH ?? ''}`,
  },
});

// A terminal sends its interrupt to the child as well; every other signal is passed on from here.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}

child.on('error', (error) => {
  console.error(`Cannot run "${command}": ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
