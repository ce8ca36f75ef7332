// Values of any kind as short text for messages. What a caller or a stranger's file gives may be deep,
// endless, circular, or fail when it is looked at: printing it never fails and never takes long.

/** Characters of a message's value at most. */
const MOST = 80;

/** Levels that are printed of what holds others. */
const DEPTH = 8;

/** Beyond it a whole number takes long to write in decimals. */
const LARGEST = 2n ** 256n;

/** A value as JSON, as far as it goes: at most `most` characters, ending in … where it goes on. */
export function show(given: unknown, most: number = MOST): string {
  const open: object[] = [];
  let text = '';

  const add = (value: unknown): void => {
    if (typeof value === 'string') text += JSON.stringify(value.slice(0, most));
    else if (typeof value === 'bigint') text += showBigInt(value);
    else if (typeof value === 'function') text += 'a function';
    else if (typeof value !== 'object' || value === null) text += String(value);
    else if (open.length === DEPTH || open.includes(value)) text += '…';
    else {
      open.push(value);
      addObject(value);
      open.pop();
    }
  };

  const addObject = (value: object): void => {
    const plain = asText(value);
    if (plain !== undefined) {
      add(plain);
      return;
    }
    const isList = Array.isArray(value) || ArrayBuffer.isView(value);
    text += className(value) + (isList ? '[' : '{');
    const keys = isList ? indices(value) : Object.keys(value);
    let comma = '';
    for (const key of keys) {
      if (text.length > most) return;
      const inner = lookAt(value, key);
      if (inner === undefined && !isList) continue;
      text += comma;
      if (!isList) text += `${JSON.stringify(key.slice(0, most))}:`;
      add(inner);
      comma = ',';
    }
    text += isList ? ']' : '}';
  };

  try {
    add(given);
  } catch {
    // A proxy that refuses to be looked at, mostly.
    text += '…';
  }
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** What went wrong, of whatever was thrown: an error's message, else the value. */
export function messageOf(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : thrown;
    return typeof text === 'string' ? text : show(text);
  } catch {
    return show(thrown);
  }
}

function showBigInt(value: bigint): string {
  if (value < LARGEST && value > -LARGEST) return `${value}n`;
  return 'a bigint of more than 256 bits';
}

/** Objects that stand for one text. */
function asText(value: object): string | undefined {
  if (value instanceof Error) return messageOf(value);
  if (typeof URL !== 'undefined' && value instanceof URL) return value.href;
  return value instanceof Date ? value.toUTCString() : undefined;
}

/** The class, and a space; nothing for what JSON has. */
function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || Array.isArray(value)) return '';
  const name: unknown = lookAt(lookAt(value, 'constructor'), 'name');
  return typeof name === 'string' && name !== 'Object' && name !== ''
    ? `${name.slice(0, 40)} `
    : '';
}

function* indices(value: object): Generator<string> {
  const length = lookAt(value, 'length');
  const count = typeof length === 'number' ? length : 0;
  for (let index = 0; index < count; index++) yield `${index}`;
}

/** A field; … where looking at it fails. */
function lookAt(value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return '…';
  }
}
