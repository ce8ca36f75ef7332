// A reader of ustar archives: blocks of 512 bytes, a header block before each file.

/**
 * The regular files of an archive, in order.
 * @param {Buffer} tar
 * @returns {Generator<{ name: string, mode: number, data: Buffer }>}
 */
export function* readTar(tar) {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + 512);
    const prefix = text(header, 345, 155);
    const name = prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100);
    const size = octal(header, 124, 12);
    const type = text(header, 156, 1);
    if (type === '' || type === '0') {
      if (name.startsWith('/') || name.split('/').includes('..')) {
        throw new Error(`The archive holds "${name}", which leaves its directory.`);
      }
      yield { name, mode: octal(header, 100, 8), data: tar.subarray(at + 512, at + 512 + size) };
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/**
 * @param {Buffer} header
 * @param {number} offset
 * @param {number} length
 */
function text(header, offset, length) {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/**
 * @param {Buffer} header
 * @param {number} offset
 * @param {number} length
 */
function octal(header, offset, length) {
  return Number.parseInt(text(header, offset, length).trim() || '0', 8);
}
