// Writes what the model of models/novels learns from: node scripts/novels.mjs FOLDER [DATABASE]
// Jane Austen's six novels become FOLDER/training.jsonl and FOLDER/held-out.jsonl; FOLDER/with-repeats.jsonl has texts
// besides the chapters of the first that say the same again and again. They are of Debian's package, which is
// fetched with apt, or of the data base of another copy of the R package janeaustenr.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { novelTexts } from './novels-text.mjs';
import { repeatedTexts } from './repeated-texts.mjs';

const name = 'r-cran-janeaustenr';
const archive = `${name}_1.0.0-1_all.deb`;
const database = 'usr/lib/R/site-library/janeaustenr/data/Rdata.rdb';
const sha256 = 'df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95';

const [folder, given] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Usage: node scripts/novels.mjs FOLDER [DATABASE]');
  process.exit(2);
}
const { training, heldOut } = novelTexts(
  given === undefined ? fetchDatabase() : readFileSync(given),
);
mkdirSync(folder, { recursive: true });
const repeats = repeatedTexts(training, 2500);
const files = { training, 'with-repeats': [...training, ...repeats], 'held-out': heldOut };
for (const [file, texts] of Object.entries(files)) {
  const rows = texts.map((text) => `${JSON.stringify({ text })}\n`).join('');
  writeFileSync(path.join(folder, `${file}.jsonl`), rows);
  console.log(`${file}.jsonl: ${texts.length} texts, ${Buffer.byteLength(texts.join(''))} bytes`);
}

function fetchDatabase() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'novels-'));
  try {
    const options = { cwd: scratch, stdio: /** @type {const} */ ('inherit') };
    execFileSync('apt-get', ['download', `${name}=1.0.0-1`], options);
    const bytes = readFileSync(path.join(scratch, archive));
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== sha256) throw new Error(`${archive} has the SHA-256 ${found}; wanted ${sha256}.`);
    execFileSync('dpkg-deb', ['--extract', archive, '.'], options);
    return readFileSync(path.join(scratch, database));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
