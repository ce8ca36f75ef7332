// The chapters of novels, of the data base in which an R package keeps them: one list of lines for each novel.
import { inflateSync } from 'node:zlib';

/** Of each novel, so many chapters at its end are held out. */
const heldOutChapters = 2;

/** Headings of volumes, their ends, rows of asterisks, and nothing. */
const betweenChapters = /^(volume [ivx]+|finis|the end|\(end of volume .*|\[.* volume .*|[* ]*)$/i;

/**
 * What is learned and what is held out: a chapter an item, a paragraph a line.
 * @param {Buffer} database
 * @returns {{ training: string[], heldOut: string[] }}
 */
export function novelTexts(database) {
  const novels = [...stringVectors(database)].map(chaptersOf);
  return {
    training: novels.flatMap((chapters) => chapters.slice(0, -heldOutChapters)),
    heldOut: novels.flatMap((chapters) => chapters.slice(-heldOutChapters)),
  };
}

/**
 * The vectors of strings in a data base that `lazyload` reads ("R Internals", §1.8): each behind its length, in zlib.
 * @param {Buffer} database
 */
function* stringVectors(database) {
  for (let at = 0; at < database.length;) {
    // What follows the end of a stream is left alone; the types do not know of `info`.
    const inflated = /** @type {{ buffer: Buffer, engine: { bytesWritten: number } }} */ (
      /** @type {unknown} */ (inflateSync(database.subarray(at + 4), { info: true }))
    );
    yield strings(inflated.buffer);
    at += 4 + inflated.engine.bytesWritten;
  }
}

/**
 * A vector of strings as R serializes it ("R Internals", §1.8): XDR, version 3.
 * @param {Buffer} bytes
 * @returns {string[]}
 */
function strings(bytes) {
  let at = 2;
  const integer = () => bytes.readInt32BE((at += 4) - 4);
  const text = () => {
    const length = integer();
    return bytes.toString('utf8', at, (at += length));
  };
  const [format, version] = [bytes.toString('latin1', 0, at), integer()];
  // The versions of R that wrote it and that can read it.
  integer();
  integer();
  const encoding = text();
  const vectorOfStrings = 16;
  if (
    format !== 'X\n' ||
    version !== 3 ||
    encoding !== 'UTF-8' ||
    (integer() & 0xff) !== vectorOfStrings
  ) {
    throw new Error('The package holds something else than texts in UTF-8. Take version 1.0.0.');
  }
  return Array.from({ length: integer() }, () => {
    integer(); // what the string's bytes are
    return text();
  });
}

/**
 * The chapters of a novel without headings, the lines of a paragraph joined.
 * @param {readonly string[]} lines
 * @returns {string[]}
 */
export function chaptersOf(lines) {
  /** @type {string[][]} */
  const chapters = [];
  for (const paragraph of lines.join('\n').split(/\n\s*\n/)) {
    const text = paragraph.replaceAll('_', '').replaceAll(/\s+/g, ' ').trim();
    if (text === 'A NOTE ON THE TEXT') break;
    if (/^chapter (\d+|[ivxl]+)\.?$/i.test(text)) chapters.push([]);
    else if (!betweenChapters.test(text)) chapters.at(-1)?.push(text);
  }
  return chapters.map((paragraphs) => paragraphs.join('\n'));
}
