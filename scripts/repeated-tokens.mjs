// Writes what heads learn to look back from: node scripts/repeated-tokens.mjs FOLDER MODEL ROWS PERCENT
// FOLDER/repeats-ROWS.jsonl has the chapters of FOLDER/training.jsonl and, behind them, texts of a few tokens over and
// over, as many as make PERCENT of all tokens. They are drawn at random from the words that are one token of the
// tokenizer in MODEL, so that nothing foretells them but what came before. ROWS: tokens of a row, or several numbers with
// commas, for as many tokens of each; what is said again comes after half a row at most. Heads that look for the last
// time grow from rows that grow: "induction heads" (Olsson et al. 2022, arXiv 2209.11895).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { drawing } from './repeated-texts.mjs';

const [folder, model, rows, percent] = process.argv.slice(2);
if (folder === undefined || model === undefined || rows === undefined || percent === undefined) {
  console.error('Usage: node scripts/repeated-tokens.mjs FOLDER MODEL ROWS PERCENT');
  process.exit(2);
}
/** @typedef {{ model: { vocab: Record<string, number> } }} TokenizerFile */
const settings = /** @type {TokenizerFile} */ (jsonOf(read(model, 'tokenizer.json')));
const config = /** @type {object} */ (jsonOf(read(model, 'tokenizer_config.json')));
const tokenizer = new Tokenizer(settings, config);
const chapters = read(folder, 'training.jsonl').trimEnd().split('\n');
const told = chapters.reduce((sum, line) => sum + tokensOf(textOf(line)).length, 0);
const words = wordsOfOneToken();
const lengths = rows.split(',').map((row) => 8 * Number(row));
const draw = drawing(Number(rows.split(',')[0]));
const share = (told * Number(percent)) / (100 - Number(percent)) / lengths.length;
const texts = lengths.flatMap((length) =>
  Array.from({ length: Math.round(share / length) }, () => repeated(length)),
);
const file = path.join(folder, `repeats-${rows.replaceAll(',', '-')}.jsonl`);
const lines = [...chapters, ...texts.map((text) => JSON.stringify({ text }))];
writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
console.log(`${file}: ${told} tokens of chapters, ${texts.length} texts of ${words.length} words`);

/** A few words over and over, each of one token: half as many as a row has at most. @param {number} length */
function repeated(length) {
  const period = 4 + draw(length / 16 - 3);
  const passage = Array.from({ length: period }, () => words[draw(words.length)]);
  return Array.from({ length }, (_, i) => passage[i % period]).join('');
}

function wordsOfOneToken() {
  const names = Object.keys(settings.model.vocab);
  const spaced = names
    .filter((name) => /^Ġ[A-Za-z]+$/.test(name))
    .map((name) => ` ${name.slice(1)}`);
  return spaced.filter((word) => tokensOf(word).length === 1);
}

/** @param {string} text */
function tokensOf(text) {
  return tokenizer.encode(text).ids;
}

/** @param {string} line */
function textOf(line) {
  return /** @type {{ text: string }} */ (jsonOf(line)).text;
}

/** @param {string} text @returns {unknown} */
function jsonOf(text) {
  return JSON.parse(text);
}

/** @param {string} from @param {string} name */
function read(from, name) {
  return readFileSync(path.join(from, name), 'utf8');
}
