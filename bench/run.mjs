// Bundles the bench with the library's sources and runs it where WebGPU finds an adapter. With --peers
// that is the comparison with other libraries.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { build } from 'vite';

const root = path.dirname(import.meta.dirname);
const isPeers = process.argv.includes('--peers');
const outDir = path.join(root, 'node_modules/.cache/webgpu-transformer/bench');

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  resolve: {
    alias: {
      'webgpu-transformer/training': path.join(root, 'src/training/index.ts'),
      'webgpu-transformer': path.join(root, 'src/index.node.ts'),
    },
  },
  build: {
    ssr: isPeers ? 'bench/peers/main.ts' : 'bench/main.ts',
    outDir,
    emptyOutDir: true,
    target: 'es2023',
    rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
  },
  ssr: { external: ['webgpu', '@huggingface/tokenizers', 'playwright', 'vite'] },
});

const launcher = path.join(root, 'scripts/with-driver.mjs');
const main = path.join(outDir, 'main.mjs');
const command = [launcher, process.execPath, main, ...process.argv.slice(2)];
const child = spawn(process.execPath, command, { stdio: 'inherit', cwd: root });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
