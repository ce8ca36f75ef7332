// Values as Python writes them: str(), repr(), methods of text, strftime.

import type { Environment } from '@huggingface/jinja';

type Value = ReturnType<Environment['lookupVariable']>;

/** The text of a value that is one. */
export function textOf({ value }: Value): string {
  return typeof value === 'string' ? value : '';
}

/** What `{{ value }}` writes. */
export function printed(value: Value): string {
  if (value.type === 'StringValue') return textOf(value);
  return value.type === 'UndefinedValue' ? '' : represented(value);
}

/** Python's repr() of plain data. Errors: TypeError for what is none. */
function represented(value: Value): string {
  const inner: unknown = value.value;
  switch (value.type) {
    case 'StringValue':
      return quoted(String(inner));
    case 'BooleanValue':
      return inner === true ? 'True' : 'False';
    case 'NullValue':
      return 'None';
    case 'IntegerValue':
    case 'FloatValue':
      return value.toString();
    case 'ArrayValue':
      return `[${(inner as Value[]).map(represented).join(', ')}]`;
    case 'TupleValue': {
      const items = (inner as Value[]).map(represented);
      return `(${items.join(', ')}${items.length === 1 ? ',' : ''})`;
    }
    case 'ObjectValue': {
      const entries = Array.from(inner as Map<string, Value>);
      return `{${entries.map(([key, item]) => `${quoted(key)}: ${represented(item)}`).join(', ')}}`;
    }
    default:
      throw new TypeError(`a value of type "${typeName(value)}" has no text`);
  }
}

/** A text in quotes, with what does not print escaped. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const escaped = text.replaceAll(
    /[\\'"]|[^\P{C}\p{Cn}]|[\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
    (character) => {
      if (character === "'" || character === '"')
        return character === quote ? `\\${quote}` : character;
      if (character === '\\') return '\\\\';
      const code = character.codePointAt(0) ?? 0;
      const hex = code.toString(16);
      const form = code < 256 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
      return escapes[character] ?? (code > 0xffff ? `\\U${hex.padStart(8, '0')}` : form);
    },
  );
  return quote + escaped + quote;
}

const typeNames: Readonly<Record<string, string>> = {
  ArrayValue: 'list',
  BooleanValue: 'bool',
  FloatValue: 'float',
  IntegerValue: 'int',
  NullValue: 'NoneType',
  ObjectValue: 'dict',
  StringValue: 'str',
  TupleValue: 'tuple',
};

export function typeName({ type }: Value): string {
  return typeNames[type] ?? type;
}

/** A value of a template as JavaScript has it. */
export function plain({ value }: Value): unknown {
  return Array.isArray(value) ? value.map(plain) : value;
}

/** Python's `==` of plain data. */
export function isEqual(left: Value, right: Value): boolean {
  const [a, b]: [unknown, unknown] = [left.value, right.value];
  if (Array.isArray(a) && Array.isArray(b)) {
    const others = b as Value[];
    return (
      left.type === right.type &&
      a.length === b.length &&
      (a as Value[]).every((item, i) => isEqual(item, others[i] as Value))
    );
  }
  if (a instanceof Map && b instanceof Map) {
    const others = b as Map<string, Value>;
    return (
      a.size === b.size &&
      Array.from(a as Map<string, Value>).every(([key, item]) => {
        const other = others.get(key);
        return other !== undefined && isEqual(item, other);
      })
    );
  }
  const isNumber = (value: unknown): boolean => ['boolean', 'number'].includes(typeof value);
  if (isNumber(a) && isNumber(b)) return Number(a) === Number(b);
  const isNothing = ({ type }: Value): boolean => /^(Null|Undefined)/.test(type);
  return isNothing(left) || isNothing(right) ? left.type === right.type : a === b;
}

/** The order of two texts, by code points. */
export function compared(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)];
  const at = a.findIndex((character, i) => character !== b[i]);
  if (at < 0) return a.length - b.length;
  return (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? -1);
}

/** Python's spaces: Unicode's, and four separators. */
function isSpace(character: string): boolean {
  return (character >= '\u001c' && character <= '\u001f') || /\p{White_Space}/u.test(character);
}

/** A text without spaces, or without any of `characters`, at its ends. */
export function stripped(
  text: string,
  characters: unknown,
  side: 'left' | 'right' | 'both',
): string {
  const given = typeof characters === 'string' ? new Set(characters) : undefined;
  const goes = (character: string): boolean => given?.has(character) ?? isSpace(character);
  let [start, end] = [0, text.length];
  if (side !== 'right') {
    for (const character of text) {
      if (!goes(character)) break;
      start += character.length;
    }
  }
  if (side === 'left') return text.slice(start);
  while (end > start) {
    const pair = text.slice(Math.max(end - 2, start), end);
    const last = Array.from(pair).at(-1) ?? '';
    if (!goes(last)) break;
    end -= last.length;
  }
  return text.slice(start, end);
}

/** Methods of Python's text that give a text, where the engine's differ or are missing. */
export const methods: Readonly<Record<string, (text: string, args: readonly unknown[]) => string>> =
  {
    strip: (text, [characters]) => stripped(text, characters, 'both'),
    lstrip: (text, [characters]) => stripped(text, characters, 'left'),
    rstrip: (text, [characters]) => stripped(text, characters, 'right'),
    removeprefix: (text, [prefix]) =>
      text.startsWith(String(prefix)) ? text.slice(String(prefix).length) : text,
    removesuffix: (text, [suffix]) =>
      suffix !== '' && text.endsWith(String(suffix)) ? text.slice(0, -String(suffix).length) : text,
    join: (text, [items]) => {
      if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) {
        throw new TypeError('only a list of texts can be joined');
      }
      return items.join(text);
    },
    capitalize: (text) => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase(),
  };

/** A date by Python's strftime, in English. */
export function formatDate(date: Date, format: string): string {
  if (format.length > 1000) throw new TypeError(`the date's form has ${format.length} characters`);
  const two = (value: number): string => String(value).padStart(2, '0');
  const name = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-US', options).format(date);
  const hour = date.getHours() % 12 || 12;
  const start = new Date(date.getFullYear(), 0, 1, 12);
  const noon = new Date(date.getFullYear(), date.getMonth(), date.getDate(), 12);
  const day = Math.round((noon.getTime() - start.getTime()) / 86_400_000) + 1;
  const parts: Readonly<Record<string, () => string>> = {
    a: () => name({ weekday: 'short' }),
    A: () => name({ weekday: 'long' }),
    b: () => name({ month: 'short' }),
    B: () => name({ month: 'long' }),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2, ' '),
    F: () => formatDate(date, '%Y-%m-%d'),
    H: () => two(date.getHours()),
    I: () => two(hour),
    j: () => String(day).padStart(3, '0'),
    m: () => two(date.getMonth() + 1),
    M: () => two(date.getMinutes()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    S: () => two(date.getSeconds()),
    T: () => formatDate(date, '%H:%M:%S'),
    y: () => two(date.getFullYear() % 100),
    Y: () => String(date.getFullYear()),
    '%': () => '%',
  };
  return format.replaceAll(/%(-?)([A-Za-z%])/g, (directive, dash: string, letter: string) => {
    const part = parts[letter]?.();
    if (part === undefined) throw new TypeError(`the date's form ${directive} is not supported`);
    return dash === '' ? part : part.replace(/^[0 ](?=.)/, '');
  });
}
