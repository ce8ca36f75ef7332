// generate as users run it, against what Hugging Face gives.
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { type ChatMessage, pipeline } from 'webgpu-transformer';
import {
  buildCommand,
  expectRefusal,
  feed,
  interrupt,
  jsonLines,
  output,
  root,
  run,
  taskFolder,
} from '../support/cli.ts';
import { expectedResult } from '../support/tasks.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(buildCommand);

const gpt2 = await taskFolder('gpt2');

test('generate prints what follows each prompt', async () => {
  const options = { maxNewTokens: 12, doSample: false, returnFullText: false };
  const prompts = ['Marie Curie', 'The film was terrible, but the'];
  const [[one], [two]] = (await expectedResult('gpt2', 'text-generation', prompts, options)) as [
    [{ generatedText: string }],
    [{ generatedText: string }],
  ];
  const length = ['--max-new-tokens', '12'];
  const both = `${one.generatedText}\n${two.generatedText}\n`;
  expect(await output('generate', gpt2, ...prompts, ...length)).toBe(both);
  // From stdin, with the line ends of another system and none at the end.
  const { stdout } = await feed(prompts.join('\r\n'), 'generate', gpt2, ...length, '--json');
  expect(jsonLines(stdout)).toEqual([
    { prompt: prompts[0], ...one },
    { prompt: prompts[1], ...two },
  ]);
  // Without a length it goes on, to the end of the model's 96 positions at most.
  const long = await output('generate', gpt2, 'Marie Curie');
  expect(long.startsWith(one.generatedText)).toBe(true);
  expect(long.length).toBeGreaterThan(4 * one.generatedText.length);
  expect(await output('generate', gpt2, '')).toMatch(/.\n$/);
});

test('generate goes on with the embedded model where none is named', async () => {
  const prompt = 'It is a truth universally acknowledged';
  const settings = ['--max-new-tokens', '8', '--json'];
  const embedded = await output('generate', prompt, ...settings);
  expect(jsonLines(embedded)).toMatchObject([{ prompt }]);
  expect(embedded).toMatch(/"generatedText":"[^"]*\w/);
  const novels = path.join(root, 'models/novels');
  expect(await output('generate', novels, prompt, ...settings)).toBe(embedded);
  // Behind --model all are prompts, of one word too.
  const named = await output('generate', '--model', novels, prompt, 'Emma', ...settings);
  expect(jsonLines(named)).toHaveLength(2);
  expect(named.startsWith(embedded)).toBe(true);
});

test('generate searches beams', async () => {
  const prompt = 'The film was terrible, but the';
  const options = { maxNewTokens: 12, doSample: false, numBeams: 3, numReturnSequences: 2 };
  const [best] = (await expectedResult('gpt2', 'text-generation', prompt, options)) as [
    { generatedText: string },
  ];
  const text = await output('generate', gpt2, prompt, '--max-new-tokens', '12', '--beams', '3');
  expect(prompt + text).toBe(`${best.generatedText}\n`);
});

test('generate draws as it is told', async () => {
  const prompt = ['generate', gpt2, 'Marie Curie', '--max-new-tokens', '12'];
  const greedy = await output(...prompt);
  const draw = (...options: string[]): Promise<string> => output(...prompt, '--sample', ...options);
  const third = await draw('--seed', '3');
  expect(third).not.toBe(greedy);
  expect(await draw('--seed', '3')).toBe(third);
  expect(await draw('--seed', '4')).not.toBe(third);
  expect(await draw()).not.toBe(await draw());
  expect(await draw('--seed', '3', '--temperature', '0.001')).toBe(greedy);
  expect(await draw('--seed', '3', '--top-k', '1')).toBe(greedy);
  expect(await draw('--seed', '3', '--top-p', '0.000001')).toBe(greedy);
});

test('generate chats', async () => {
  const question = 'Who wrote the program?';
  const [{ generatedText: chat }] = (await expectedResult(
    'gpt2',
    'text-generation',
    [{ role: 'user', content: question }],
    { maxNewTokens: 12, doSample: false },
  )) as [{ generatedText: [unknown, { content: string }] }];
  const answer = chat[1].content;
  const args = ['generate', gpt2, '--chat', '--max-new-tokens', '12'];
  expect(await output(...args, question)).toBe(`${answer}\n`);
  // A turn knows those before, and what the system says.
  using writer = await pipeline('text-generation', gpt2);
  const options = { maxNewTokens: 12, returnFullText: false } as const;
  const messages: ChatMessage[] = [{ role: 'system', content: 'Be good.' }];
  const turns: object[] = [];
  for (const prompt of ['Ada?', question]) {
    messages.push({ role: 'user', content: prompt });
    const [{ generatedText } = { generatedText: '' }] = await writer(messages, options);
    messages.push({ role: 'assistant', content: generatedText });
    turns.push({ prompt, generatedText });
  }
  const system = ['--system', 'Be good.', '--json'];
  const { stdout } = await feed(`Ada?\n${question}\n`, ...args, ...system);
  expect(jsonLines(stdout)).toEqual(turns);
  expect(jsonLines(await output(...args, 'Ada?', question, ...system))).toEqual(turns);
});

test('generate works with encoder–decoders', async () => {
  const phrases = path.join(root, 'models', 'phrases');
  expect(await output('generate', phrases, '>>fr<<in 3 days')).toBe('dans 3 jours\n');
  expect(await output('generate', phrases, '>>fr<<in 3 days', '--beams', '2')).toBe(
    'dans 3 jours\n',
  );
  const chat = await run('generate', phrases, 'in 3 days', '--chat');
  expectRefusal(chat, '--chat', 'encoder–decoder');
});

test('Ctrl-C ends generate at once, without an error', async () => {
  const prompts = Array.from({ length: 2000 }, () => 'Marie Curie');
  const { code, stdout, stderr } = await interrupt(
    'SIGINT',
    /\n/,
    'generate',
    gpt2,
    ...prompts,
    '--max-new-tokens',
    '4',
  );
  expect(code).toBe(130);
  expect(stdout.split('\n').length).toBeLessThan(prompts.length);
  expect(stdout).toMatch(/\n$/);
  expect(stderr).not.toMatch(/abort/i);
});

test('generate refuses what would change nothing, and wrong numbers', async () => {
  const refuse = async (args: string[], ...parts: string[]): Promise<void> =>
    expectRefusal(await run('generate', gpt2, 'Ada', ...args), ...parts);
  for (const [option, value] of [
    ['--temperature', '0.5'],
    ['--top-k', '3'],
    ['--top-p', '0.5'],
    ['--seed', '3'],
  ] as const) {
    await refuse([option, value], option, 'Add --sample');
  }
  await refuse(['--sample', '--top-p', '1.5'], '--top-p', '1 at most');
  await refuse(['--sample', '--temperature', 'hot'], '"hot"', 'above 0');
  await refuse(['--beams', '0'], '--beams', 'at least 1');
  await refuse(['--max-new-tokens', '0'], '--max-new-tokens', 'at least 1');
  await refuse(['--max-new-tokens', '500'], 'maxNewTokens is 500', '96 positions');
  await refuse(['--system', 'Be good.'], '--system', 'Add --chat');
  await refuse(['--dtype', 'int3'], '"int3"', 'f32 or f16 or int8 or int4');
  await refuse(['--max-tokens', '3'], "'--max-tokens'", '"--max-new-tokens"');
  expectRefusal(await run('generate', gpt2), 'There is no text');
  expectRefusal(await run('generate'), 'No model is named');
  expectRefusal(await run('generate', 'no-such-folder', 'Ada'), 'no directory');
});
