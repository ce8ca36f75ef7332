// The pages of docs/ that are written by hand, which all documents but the reference are. Node only.

import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Where other things than pages lie. */
const others = /^(node_modules|reference|\.vitepress|known-models)\b/;

/** Their paths from the root of the repository. */
export function docsPages(root: string): string[] {
  return readdirSync(path.join(root, 'docs'), { withFileTypes: true })
    .filter(({ name }) => !others.test(name))
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name];
      const files = readdirSync(path.join(root, 'docs', entry.name));
      return files.map((name) => `${entry.name}/${name}`);
    })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
}
