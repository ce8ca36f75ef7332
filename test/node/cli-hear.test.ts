// What the command line hears, as text and as subtitles.
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { subtitles } from '../../src/tasks/sound/subtitles.ts';
import {
  buildCommand,
  expectRefusal,
  jsonLines,
  labelsFolder,
  output,
  root,
  run,
} from '../support/cli.ts';
import { readFixtureJson } from '../support/fixture.ts';

// Several processes, each of which opens a device.
vi.setConfig({ testTimeout: 180_000 });
beforeAll(buildCommand);

const folder = path.join(root, 'test/fixtures/whisper_task');

test('hear prints texts, times and subtitles', async () => {
  const { runs } = (await readFixtureJson('whisper_task/expected.json')) as {
    runs: {
      name: string;
      result: { text: string; chunks?: { text: string; timestamp: number[] }[] };
    }[];
  };
  const file = path.join(folder, 'one.wav');
  const plain = runs.find((one) => one.name === 'plain')!.result;
  const stamped = runs.find((one) => one.name === 'stamps')!.result;
  expect(await output('hear', folder, file)).toBe(`${plain.text.trim()}\n`);
  const lines = stamped.chunks!.map(({ text, timestamp }) =>
    [...timestamp.map((time) => time.toFixed(2)), text.trim()].join('\t'),
  );
  expect(await output('hear', folder, file, '--timestamps')).toBe(`${lines.join('\n')}\n`);
  const { stdout } = await run('hear', folder, file, '--timestamps', '--json');
  expect(jsonLines(stdout)).toEqual([{ file, ...stamped }]);
  expectRefusal(await run('hear', folder, file, '--srt', '--vtt'), 'Choose one');
  expectRefusal(await run('hear', folder, file, '--language', 'fr'), 'does not know');
  expectRefusal(await run('hear', folder, path.join(folder, 'config.json')), 'no WAV file');
});

test('hear takes models that write texts alone, and those that label each step', async () => {
  const { runs } = (await readFixtureJson('moonshine_task/expected.json')) as {
    runs: { name: string; result: { text: string } }[];
  };
  const moonshine = path.join(root, 'test/fixtures/moonshine_task');
  const file = path.join(folder, 'one.wav');
  const { text } = runs.find((one) => one.name === 'one')!.result;
  expect(await output('hear', moonshine, file)).toBe(`${text}\n`);
  expectRefusal(await run('hear', moonshine, file, '--srt'), 'returnTimestamps is for Whisper');

  const { recognition } = (await readFixtureJson('sound/pipelines.json')) as {
    recognition: { sound: string; options: object; result: { text: string; chunks?: unknown[] } }[];
  };
  const [plain, , timed] = recognition;
  const labels = await labelsFolder(plain!.sound);
  const sound = path.join(labels, 'sound.wav');
  expect(await output('hear', labels, sound)).toBe(`${plain!.result.text}\n`);
  expect(timed).toMatchObject({ sound: plain!.sound, options: { return_timestamps: 'word' } });
  const { stdout } = await run('hear', labels, sound, '--words', '--json');
  expect(jsonLines(stdout)).toEqual([{ file: sound, ...timed!.result }]);
  expectRefusal(await run('hear', labels, sound, '--timestamps'), '--words');
});

test('subtitles have hours, and an end of their own', () => {
  const chunks = [
    { text: ' One', timestamp: [0, 1.5] },
    { text: ' two', timestamp: [3661.02, null] },
  ] satisfies { text: string; timestamp: [number | null, number | null] }[];
  expect(subtitles(chunks, 'srt')).toBe(
    '1\n00:00:00,000 --> 00:00:01,500\nOne\n\n2\n01:01:01,020 --> 01:01:03,020\ntwo\n',
  );
  expect(subtitles(chunks, 'vtt')).toBe(
    'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nOne\n\n01:01:01.020 --> 01:01:03.020\ntwo\n',
  );
});
