// Values of every kind in messages: always text, never long, whatever they do when they are looked at.
import { expect, test } from 'vitest';
import { messageOf, show } from '../../src/runtime/print.ts';

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

const cycle: Record<string, unknown> = { name: 'x' };
cycle['self'] = cycle;
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const refusing = new Proxy(
  {},
  {
    get: () => {
      throw new Error('no');
    },
    ownKeys: () => {
      throw new Error('no');
    },
  },
);
const throwing = {
  a: 1,
  get b(): never {
    throw new Error('no');
  },
};
/** Each look at it makes a deeper one. */
const endless = (): object =>
  Object.defineProperty({}, 'next', { enumerable: true, get: () => endless() });
class Thing {
  size = 3;
}

test.each<[string, unknown, string]>([
  ['a text', 'a "b"\n', String.raw`"a \"b\"\n"`],
  ['numbers', [1, -0.5, NaN, Infinity], '[1,-0.5,NaN,Infinity]'],
  ['null and undefined', [null, undefined], '[null,undefined]'],
  ['nothing', undefined, 'undefined'],
  ['an object', { a: true, b: { c: [] }, d: undefined }, '{"a":true,"b":{"c":[]}}'],
  ['a bigint', 12n, '12n'],
  ['a huge bigint', 1n << 100_000n, 'a bigint of more than 256 bits'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['a function', () => 1, 'a function'],
  ['a cycle', cycle, '{"name":"x","self":…}'],
  ['the same twice is no cycle', [[1], [1]], '[[1],[1]]'],
  ['a getter that throws', throwing, '{"a":1,"b":"…"}'],
  ['a class', new Thing(), 'Thing {"size":3}'],
  ['a typed array', Float32Array.of(1, 2), 'Float32Array [1,2]'],
  ['without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ['an error', new Error('it broke'), '"it broke"'],
  ['an address', new URL('https://host/a'), '"https://host/a"'],
])('%s', (_, value, text) => {
  expect(show(value)).toBe(text);
});

test('what goes on without end is cut, and takes no time', () => {
  const values = [
    nested(100_000),
    endless(),
    revoked.proxy,
    refusing,
    'x'.repeat(10_000_000),
    Object.assign([], { length: 4_000_000_000 }),
    Array.from({ length: 300_000 }, () => ({ a: 'b' })),
    new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 53 : 'item') }),
    { toJSON: () => expect.unreachable() },
    { ['k'.repeat(1e6)]: 1 },
  ];
  for (const value of values) {
    const text = show(value);
    expect(text.length).toBeLessThanOrEqual(80);
    expect(text.length).toBeGreaterThan(0);
    if (text.length === 80) expect(text.endsWith('…')).toBe(true);
  }
  expect(show('x'.repeat(100), 10)).toBe('"xxxxxxxx…');
});

test('what was thrown, whatever it is', () => {
  expect(messageOf(new TypeError('bad'))).toBe('bad');
  expect(messageOf('bad')).toBe('bad');
  expect(messageOf({ code: 5 })).toBe('{"code":5}');
  expect(messageOf(Object.assign(new Error('x'), { message: { a: 1 } }))).toBe('{"a":1}');
  expect(messageOf(revoked.proxy)).toBe('…');
});
