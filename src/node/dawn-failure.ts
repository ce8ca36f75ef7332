// Why the optional package `webgpu` could not be loaded. It is a few lines around a native module,
// dist/PLATFORM/dawn.node beside them, which no bundler can take in.

import { existsSync } from 'node:fs';
import { TransformerError } from '../runtime/errors.ts';

/** The error for what importing `webgpu` threw. */
export function dawnFailure(cause: unknown): TransformerError {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const reason = String(message).split('\n')[0] ?? '';
  return new TransformerError('ADAPTER_NOT_FOUND', explain(String(code), reason), { cause });
}

function explain(code: string, reason: string): string {
  const isMissing = code.endsWith('MODULE_NOT_FOUND');
  if (isMissing && /(package|module) '?webgpu'?/.test(reason)) {
    return 'Node has no WebGPU of its own, and the package "webgpu" is not installed. Run npm install webgpu.';
  }
  // The bundle looks beside itself, or where the package was when it was made.
  const [, folder = ''] = /'(.*)dist[\\/][^\\/]+[\\/]dawn\.node'/.exec(reason) ?? [];
  if (isMissing && /webgpu[\\/]$/.test(folder) && existsSync(`${folder}package.json`)) {
    return (
      `The package "webgpu" in ${folder} has no native module for ${process.platform} on ` +
      `${process.arch}. Run npm install webgpu on this machine.`
    );
  }
  // A bundle in CommonJS does not know its own place.
  if ((isMissing && folder !== '') || code === 'ERR_INVALID_ARG_VALUE') {
    return (
      'The package "webgpu" was bundled into this program, but its native module cannot be. Mark it ' +
      "as external (esbuild: --external:webgpu; Vite: ssr.external: ['webgpu']; webpack: externals: " +
      "{ webgpu: 'commonjs webgpu' }) and install it where the program runs: npm install webgpu."
    );
  }
  return `The package "webgpu" cannot be loaded: ${reason}. Run npm install webgpu.`;
}
