// Values that a caller without types may pass by mistake: what arguments are tried with. The declarations
// say where each is right by its type; see interface.ts.

/** How a value is made, by what it is called in messages. The types are read from here. */
const values = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  zero: () => 0,
  minus: () => -1,
  half: () => 0.5,
  'not a number': () => NaN,
  infinity: () => Infinity,
  large: () => 2 ** 31,
  'beyond whole numbers': () => 2 ** 53,
  'a great number': () => 1e300,
  'the empty text': () => '',
  text: () => 'x1',
  'a long text': () => 'ab '.repeat(1500),
  'half a character': () => 'a\ud800',
  symbol: () => Symbol('s'),
  bigint: () => 5n,
  function: () => () => 1,
  'no list': () => [],
  'a list of nothing': () => [null],
  'a list of holes': () => Array<undefined>(3),
  'a list of texts': () => ['x', ''],
  'a list of numbers': () => [1, NaN, -1],
  'a list of lists': () => [[0.5, 1]],
  'an object': () => ({}),
  'an object with a name': () => ({ unheardOf: 1 }),
  'an object without a class': () => Object.assign(Object.create(null) as object, { x: 1 }),
  'a circle': () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    return circle;
  },
  'what fails to be read': () => ({
    get text(): string {
      throw new Error('text is not to be read');
    },
  }),
  'what fails at all': () =>
    new Proxy({} as { x: 1 }, {
      get: () => fails(),
      has: () => fails(),
      ownKeys: () => fails(),
      getPrototypeOf: () => fails(),
      getOwnPropertyDescriptor: () => fails(),
    }),
  date: () => new Date(0),
  'an invalid date': () => new Date(NaN),
  pattern: () => /x/,
  map: () => new Map([['topK', 1]]),
  bytes: () => new Uint8Array(4),
  'whole numbers of 64 bits': () => new BigInt64Array(2),
  promise: () => Promise.resolve({ maxNewTokens: 2 }),
  error: () => new TypeError('x'),
  'another device': () => ({ createBuffer: () => ({}), features: 5, limits: null }),
};

function fails(): never {
  throw new RangeError('not to be looked at');
}

/** The values, and how each is called. */
export const wrongValues: ReadonlyMap<string, () => unknown> = new Map(Object.entries(values));
