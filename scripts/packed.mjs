// Builds the package and packs it as it is published, both only if something of it changed; prints the path.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import './built.mjs';
import { changed } from './changed.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = 'node_modules/.cache/packed';
const contents = ['package.json', 'dist', 'models', 'LICENSE', 'README.md', 'THIRD_PARTY.md'];
const nameOf = () => readdirSync(path.join(root, folder)).find((name) => name.endsWith('.tgz'));

mkdirSync(path.join(root, folder), { recursive: true });
const packed = nameOf();
if (packed === undefined || changed(`${folder}/${packed}`) < Math.max(...contents.map(changed))) {
  // Moved there whole, as several may pack at once.
  const scratch = mkdtempSync(path.join(root, `${folder}-`));
  const options = ['--silent', '--ignore-scripts', '--pack-destination', scratch];
  const shell = process.platform === 'win32';
  execFileSync('npm', ['pack', ...options], { cwd: root, shell, stdio: 'pipe' });
  for (const name of readdirSync(scratch)) {
    renameSync(path.join(scratch, name), path.join(root, folder, name));
  }
  rmSync(scratch, { recursive: true });
}
console.log(path.join(root, folder, nameOf() ?? ''));
