// When files changed: what is made of them is made anew only then.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * When a file of this repository, or anything in a folder, changed; a folder changes too when a file in it goes.
 * @param {string} place
 * @returns {number} 0 for what is not there
 */
export function changed(place) {
  const stats = statSync(path.join(root, place), { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) return stats?.mtimeMs ?? 0;
  const names = readdirSync(path.join(root, place));
  return Math.max(stats.mtimeMs, ...names.map((name) => changed(`${place}/${name}`)));
}
