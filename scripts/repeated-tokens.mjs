// Writes what heads learn to look back from: node scripts/repeated-tokens.mjs FOLDER MODEL ROW PERCENT
// FOLDER/repeats-ROW.jsonl has the chapters of FOLDER/training.jsonl and, behind them, texts of a few tokens over and
// over, as many as make PERCENT of all tokens. They are drawn at random from the words that are one token of the
// tokenizer in MODEL, so that nothing foretells them but what came before, and said again after half a row of ROW tokens
// at most. Heads that look for the last time grow from rows that grow: "induction heads" (Olsson et al. 2022, arXiv
// 2209.11895).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { drawing } from './repeated-texts.mjs';

const [folder, model, row, percent] = process.argv.slice(2);
if (folder === undefined || model === undefined || row === undefined || percent === undefined) {
  console.error('Usage: node scripts/repeated-tokens.mjs FOLDER MODEL ROW PERCENT');
  process.exit(2);
}
/** @typedef {{ model: { vocab: Record<string, number> } }} TokenizerFile */
const settings = /** @type {TokenizerFile} */ (jsonOf(read(model, 'tokenizer.json')));
const config = /** @type {object} */ (jsonOf(read(model, 'tokenizer_config.json')));
const tokenizer = new Tokenizer(settings, config);
const chapters = read(folder, 'training.jsonl').trimEnd().split('\n');
const told = chapters.reduce((sum, line) => sum + tokensOf(textOf(line)).length, 0);
const words = wordsOfOneToken();
const draw = drawing(Number(row));
const length = 8 * Number(row);
const count = Math.round((told * Number(percent)) / (100 - Number(percent)) / length);
const texts = Array.from({ length: count }, repeated);
const file = path.join(folder, `repeats-${row}.jsonl`);
writeFileSync(
  file,
  `${[...chapters, ...texts.map((text) => JSON.stringify({ text }))].join('\n')}\n`,
);
console.log(
  `${file}: ${told} tokens of chapters, ${count * length} of ${words.length} words drawn`,
);

/** A few words over and over, each of one token. */
function repeated() {
  const period = 4 + draw(Number(row) / 2 - 3);
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
