// Secrets stay out of what people read: messages of errors, their causes, warnings.
import { expect, test } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { redact } from '../../src/runtime/redact.ts';

const S = 'Zx9secretQ71';
const HUB = 'hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ12345678';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4';

test.each([
  [`https://user:${S}@host/m/f could not be fetched`, 'https://***@host/m/f could not be fetched'],
  [`https://${S}@host/`, 'https://***@host/'],
  [`https://user:a:${S}@b@host/`, 'https://***@host/'],
  [`https://user:a/${S}@host/m`, 'https://user:***@host/m'],
  [`no directory /x/ftp:/user:${S}@host/m.`, 'no directory /x/ftp:/***@host/m.'],
  [`"https://host/m?token=${S}" is no URL`, '"https://host/m?***" is no URL'],
  [`https://host/f?X-Amz-Signature=${S}&X-Amz-Date=1 broke`, 'https://host/f?*** broke'],
  [`https://host/f?sv=2024&sig=${S}#part`, 'https://host/f?***#part'],
  [`(http://host/f?Policy=${S})`, '(http://host/f?***)'],
  [`models/m?access_token=${S}&v=2 is missing`, 'models/m?access_token=***&v=2 is missing'],
  [`/m?x=1&X-Amz-Security-Token=${S}`, '/m?x=1&X-Amz-Security-Token=***'],
  [`/m#id_token=${S}`, '/m#id_token=***'],
  [`Authorization: Bearer ${S}`, 'Authorization: Bearer ***'],
  [`authorization: Basic ${S}=, Accept: x`, 'authorization: Basic ***, Accept: x'],
  [`{"Authorization":"Bearer ${S}"}`, '{"Authorization":"Bearer ***"}'],
  [`{"authorization":"${S}"}`, '{"authorization":"***"}'],
  [`Proxy-Authorization: ${S}`, 'Proxy-Authorization: ***'],
  [`Headers.append: "Bearer ${S}\nmore${S}" is invalid`, 'Headers.append: "Bearer ***" is invalid'],
  [`sent Bearer ${S}.`, 'sent Bearer ***'],
  [`Basic dXNlcjpwYXNz`, 'Basic ***'],
  [`HF_TOKEN=${S} is set`, 'HF_TOKEN=*** is set'],
  [`{"password":"${S}","a":1}`, '{"password":"***","a":1}'],
  [`api_key: '${S}'`, "api_key: '***'"],
  [`client_secret=${S}`, 'client_secret=***'],
  [`Cookie: ${S}; a=b`, 'Cookie: ***; a=b'],
  [`the token ${HUB} is wrong`, 'the token hf_*** is wrong'],
  [`hf_Short1`, 'hf_***'],
  [`ghp_${'a1B2'.repeat(9)}`, '***'],
  [`AKIAIOSFODNN7EXAMPLE`, '***'],
  [JWT, '***'],
])('%s', (text, wanted) => {
  expect(redact(text)).toBe(wanted);
  expect(new TransformerError('INPUT_INVALID', text).message).toBe(wanted);
});

test.each([
  'There is no directory /models/hf_mirror/name. Did you mean /models/hf-mirror?',
  'hf:owner/name@main is gated. Accept its terms at https://huggingface.co/owner/name and pass the ' +
    'token of an account that may read it: { token }.',
  'tokenizer.json: "pad_token" is "<pad>"; pad_token: "<s>", bos_token=<s>; wanted a token.',
  'https://host:8080/owner/name@main and file:///home/me@work/x, C:/a@b',
  'Basic rules, basic tokenization, Bearer of news? Look at https://host/m: why?',
  'options.keys: one of a?b=c, sort=key',
  'https://host/model/config.json at line 5, column 7 (user@host).',
])('nothing else is hidden: %s', (text) => {
  expect(redact(text)).toBe(text);
});

test('secrets of any shape where they are known', () => {
  expect(redact('my secret: open sesame!', 'open sesame', undefined, '')).toBe('my secret: ***!');
});

test('causes are hidden as well, and stay themselves where there is nothing to hide', () => {
  const plain = new Error('plain', { cause: new TypeError('inner') });
  expect(new TransformerError('ABORTED', 'x', { cause: plain }).cause).toBe(plain);
  expect(new TransformerError('ABORTED', 'x', { cause: 7 }).cause).toBe(7);
  const inner = Object.assign(new Error(`got ${HUB}`), { code: 'ECONNRESET' });
  const { cause } = new TransformerError('FILE_UNREADABLE', 'x', {
    cause: new TypeError(`https://u:${S}@host/ failed`, { cause: inner }),
  });
  expect(cause).toMatchObject({
    name: 'TypeError',
    message: 'https://***@host/ failed',
    cause: { message: 'got hf_***', code: 'ECONNRESET' },
  });
  const request = Object.assign(new Error('failed'), {
    code: 5,
    config: { headers: { Authorization: `Bearer ${S}` } },
  });
  const asked = new TransformerError('FILE_UNREADABLE', 'x', { cause: request }).cause;
  expect(asked).toMatchObject({ message: 'failed', code: 5 });
  expect(Object.keys(asked as Error)).not.toContain('config');
  const { stack = '', cause: deeper } = cause as Error;
  expect(stack + String((deeper as Error).stack)).not.toMatch(/secret|hf_a/);
});

test('long texts take time in proportion', () => {
  const parts = [
    '://',
    'ab://',
    'ab://c:',
    '?',
    '@',
    '&token=',
    '"Bearer ',
    'a',
    ' ',
    'authorization:',
    'eyJ',
    'hf_',
  ];
  for (const part of parts) {
    const text = part.repeat(200_000 / part.length);
    expect(redact(text).length).toBeLessThanOrEqual(2 * text.length);
  }
});
