// A picture as a file in PNG (W3C Recommendation, third edition).

import { crc32, deflateSync } from 'node:zlib';
import type { RawImage } from '../../index.node.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Colour types by how many channels there are (§11.2.1). */
const colourTypes = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

export function png({ data, width, height, channels }: RawImage): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  header.writeUInt8(colourTypes[channels], 9);
  // Each row begins with the filter that it was put through: none.
  const row = 1 + width * channels;
  const rows = Buffer.alloc(height * row);
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * (row - 1), (y + 1) * (row - 1)), y * row + 1);
  }
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
