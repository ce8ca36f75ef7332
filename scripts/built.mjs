// Builds the package if something of it changed since it was built last; silent unless that fails.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { changed } from './changed.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = [
  'package.json',
  'scripts/declarations.mjs',
  'src',
  'test/support/library-build.ts',
  'tsconfig.build.json',
  'tsconfig.json',
  'vite.config.ts',
];
/** What a build writes last. */
const last = 'dist/types/index.d.ts';

if (changed(last) <= Math.max(...sources.map(changed))) {
  const shell = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    encoding: 'utf8',
    shell,
  });
  if (status !== 0) {
    console.error(`The build failed:\n${stdout}${stderr}`);
    process.exit(status ?? 1);
  }
}
