// Event files, byte by byte as TensorBoard's own writer makes them.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { encodeEvent, type Event, EventWriter, record } from '../../src/node/tensorboard.ts';
import { expectError } from '../support/safetensors.ts';
import { temporaryFolder } from '../support/runs.ts';

// Written by RecordWriter of the Python package tensorboard 2.21.0 from event_pb2.Event messages.
const written: readonly (readonly [string, Event, string])[] = [
  [
    'the beginning of a file',
    { wallTime: 1.7e9 + 0.25, fileVersion: 'brain.Event:2' },
    '1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9',
  ],
  [
    'scalars',
    { wallTime: 1.7e9 + 1.5, step: 300, scalars: { loss: 1.25, précision: -3e-7 } },
    '2e00000000000000c5cb57fa0900006040fc54d94110ac022a200a0b0a046c6f7373150000a03f' +
      '0a110a0a7072c3a9636973696f6e15b00fa1b431d7ce58',
  ],
  [
    'a run taken up again, at a step beyond 32 bits',
    { wallTime: 1.7e9 + 2, step: 2 ** 40 + 7, restart: true },
    '14000000000000005e3d29150900008040fc54d941108780808080203a02080153e343c7',
  ],
];

test.each(written)('%s', (_, event, hex) => {
  expect(Buffer.from(record(encodeEvent(event))).toString('hex')).toBe(hex);
});

test('a writer appends records to one file of the folder', async () => {
  const folder = path.join(await temporaryFolder('tensorboard'), 'made', 'when missing');
  const before = Date.now() / 1000;
  const writer = await EventWriter.open(folder, 8);
  await writer.scalars(8, { loss: 0.5, exact_match: 1 });
  await writer.scalars(9, { loss: Infinity });
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  expect(files[0]).toMatch(/^events\.out\.tfevents\.\d{10}\.\S+$/);
  const events = records(await readFile(path.join(folder, files[0]!)));
  for (const event of events) {
    expect(event[0]).toBe((1 << 3) | 1);
    const wallTime = event.readDoubleLE(1);
    expect(wallTime).toBeGreaterThanOrEqual(before);
    expect(wallTime).toBeLessThanOrEqual(Date.now() / 1000);
  }
  const wallTime = 0;
  const expected: Event[] = [
    { wallTime, fileVersion: 'brain.Event:2' },
    { wallTime, step: 8, restart: true },
    { wallTime, step: 8, scalars: { loss: 0.5, exact_match: 1 } },
    { wallTime, step: 9, scalars: { loss: Infinity } },
  ];
  const behindTime = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(9)).toString('hex');
  expect(events.map(behindTime)).toEqual(expected.map((event) => behindTime(encodeEvent(event))));
});

test('a folder that cannot be written to is an error that names it', async () => {
  const file = path.join(await temporaryFolder('tensorboard'), 'file');
  await writeFile(file, '');
  await expectError(EventWriter.open(path.join(file, 'logs')), 'FILE_UNWRITABLE', file);
});

/** The bytes of each record; the lengths must fill the file. */
function records(file: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < file.length) {
    const length = Number(file.readBigUInt64LE(at));
    parts.push(file.subarray(at + 12, at + 12 + length));
    at += length + 16;
  }
  expect(at).toBe(file.length);
  return parts;
}
