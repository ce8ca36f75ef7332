// Bundles the bench with the library's sources and runs it where WebGPU finds an adapter. With --peers
// that is the comparison with other libraries, with --fine-tuning the one with PEFT, with --serving that of a
// running batch, with --load a server under load, with --jobs a fleet on paper.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { bundle } from '../scripts/bundle.mjs';

const root = path.dirname(import.meta.dirname);
const folder =
  ['peers', 'fine-tuning', 'serving', 'load', 'jobs'].find((name) =>
    process.argv.includes(`--${name}`),
  ) ?? '';
const outDir = path.join(root, 'node_modules/.cache/webgpu-transformer/bench', folder);

await bundle(path.join('bench', folder, 'main.ts'), outDir);

const launcher = path.join(root, 'scripts/with-driver.mjs');
const main = path.join(outDir, 'main.mjs');
// By the name, for the launcher may put a Node in front that starts beside its driver.
const command = [launcher, 'node', main, ...process.argv.slice(2)];
const child = spawn(process.execPath, command, { stdio: 'inherit', cwd: root });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
