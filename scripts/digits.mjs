// Runs the programs of demo/digits where WebGPU finds an adapter: `train` makes the model of models/digits, `pack` the
// digits that the page brings.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { bundle } from './bundle.mjs';

const [program = 'train', ...args] = process.argv.slice(2);
const root = path.dirname(import.meta.dirname);
const outDir = path.join(root, 'node_modules/.cache/webgpu-transformer/digits');

await bundle(`demo/digits/${program}.ts`, outDir);

const launcher = path.join(root, 'scripts/with-driver.mjs');
const command = [launcher, process.execPath, path.join(outDir, `${program}.mjs`), ...args];
const child = spawn(process.execPath, command, { stdio: 'inherit', cwd: root });
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code) => process.exit(code ?? 1));
