// What makes tests of a document's code: blocks, answers, words of shell lines.
import { expect, test } from 'vitest';
import { codeBlocks, shellWords, withChecks } from '../support/snippets.ts';

test('blocks are found with their language, name and line', () => {
  const text = 'One\n\n```ts\na();\n```\n\n```sh [b.sh]\nb "c"\n\nd\n```\n';
  expect(codeBlocks(text)).toEqual([
    { language: 'ts', title: '', line: 4, code: 'a();\n' },
    { language: 'sh', title: 'b.sh', line: 8, code: 'b "c"\n\nd\n' },
  ]);
});

test('answers become checks, other comments stay', () => {
  const code = [
    'const model: Model = await load(); // a folder',
    "await ask('1.5', { to: 'de' }); // [{ text: '1.5' }]; a remark",
    'out.logits; // { data: Float32Array, near: -0.25, shape: [1, 2] }',
    'for await (const piece of pieces) {',
    '  write(piece); // 3',
    "} // '2周前'",
    'dispose(); // never',
  ].join('\n');
  const { code: checked, answers } = withChecks(code);
  expect(answers).toBe(3);
  expect(checked.split('\n')).toEqual([
    'const model: Model = await load(); // a folder',
    "check(await ask('1.5', { to: 'de' }), [{ text: '1.5' }]); // [{ text: '1.5' }]; a remark",
    'check(out.logits, { data: expect.any(Float32Array), near: expect.closeTo(-0.25, 2), ' +
      'shape: [1, 2] }); // { data: Float32Array, near: -0.25, shape: [1, 2] }',
    'for await (const piece of pieces) {',
    '  write(piece); // 3',
    "} written('2周前'); // '2周前'",
    'dispose(); // never',
  ]);
  expect(() => withChecks('a(;')).toThrow(SyntaxError);
});

test('shell lines are words and a comment', () => {
  expect(shellWords('npx x translate "3 #1 km" --to fr < a.txt   # 3 km # x')).toEqual({
    words: ['npx', 'x', 'translate', '3 #1 km', '--to', 'fr', '<', 'a.txt'],
    comment: '3 km # x',
  });
  expect(shellWords('npm test')).toEqual({ words: ['npm', 'test'], comment: '' });
});
