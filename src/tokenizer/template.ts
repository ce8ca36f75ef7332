// What stands around the tokens of one or two texts (the post-processors of tokenizer.json), and how
// texts that are too long are cut so that the whole still fits.

import { isObject, type JsonObject, show } from '../source/json.ts';
import { TransformerError } from '../runtime/errors.ts';
import type { Piece } from './encode.ts';

/** The token ids of one or two texts as a model reads them, and where each stands. */
export interface Encoding {
  /** Token ids, special ones included. */
  readonly ids: number[];
  /** 0 or 1: which segment a token belongs to (BERT's token type ids). */
  readonly typeIds: number[];
  /** `[start, end)` in UTF-16 units of the token's text; undefined for tokens of the template. */
  readonly offsets: ([number, number] | undefined)[];
  /** Which of the texts a token comes from; undefined for tokens of the template. */
  readonly textIndex: (0 | 1 | undefined)[];
}

/** A place of a template: special tokens, or one of the texts. */
type Slot = { readonly ids: readonly number[]; readonly typeId: number } | TextSlot;
interface TextSlot {
  readonly text: 0 | 1;
  readonly typeId: number;
}

export interface Template {
  readonly single: readonly Slot[];
  readonly pair: readonly Slot[];
  /** Takes the spaces at the ends of byte-level tokens out of their spans. */
  readonly trim:
    | ((pieces: readonly Piece[], token: (piece: Piece) => string) => Piece[])
    | undefined;
}

const [first, second] = [
  { text: 0, typeId: 0 },
  { text: 1, typeId: 1 },
] as const;

/** The template that a post-processor describes; throws a TypeError for an unknown one. */
export function compileTemplate(config: unknown): Template {
  const none: Template = { single: [first], pair: [first, second], trim: undefined };
  if (config === null || config === undefined) return none;
  if (!isObject(config)) throw new TypeError(`its post_processor is ${show(config)}`);
  const trim =
    config['trim_offsets'] === true ? trimmer(config['add_prefix_space'] !== false) : undefined;
  switch (config['type']) {
    case 'ByteLevel':
      return { ...none, trim };
    case 'TemplateProcessing':
      return {
        single: templateSlots(config['single'], config['special_tokens']),
        pair: templateSlots(config['pair'], config['special_tokens']),
        trim,
      };
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const cls = { ids: [tokenId(config['cls'])], typeId: 0 };
      const sep = { ids: [tokenId(config['sep'])], typeId: 0 };
      const single = [cls, first, sep];
      return config['type'] === 'BertProcessing'
        ? { single, pair: [...single, second, { ...sep, typeId: 1 }], trim }
        : { single, pair: [...single, sep, { text: 1, typeId: 0 }, sep], trim };
    }
    case 'Sequence': {
      const { processors } = config;
      const steps = (Array.isArray(processors) ? processors : []).map(compileTemplate);
      const frame = steps.findLast(({ single }) => single.length > 1) ?? none;
      return { ...frame, trim: steps.findLast((step) => step.trim !== undefined)?.trim };
    }
    default:
      throw new TypeError(`its post-processor ${show(config['type'])} is not supported`);
  }
}

function templateSlots(items: unknown, specials: unknown): Slot[] {
  return (Array.isArray(items) ? items : []).map((item: unknown): Slot => {
    const { Sequence: text, SpecialToken: special } = isObject(item) ? item : ({} as JsonObject);
    if (isObject(text)) {
      return { text: text['id'] === 'B' ? 1 : 0, typeId: Number(text['type_id'] ?? 0) };
    }
    const name = isObject(special) ? String(special['id']) : '';
    const known = isObject(specials) ? specials[name] : undefined;
    const ids = isObject(known) ? known['ids'] : undefined;
    if (!isObject(special) || !Array.isArray(ids)) {
      throw new TypeError(`its template has ${show(item)}, which its special_tokens do not define`);
    }
    return { ids: ids.map((id) => wholeId(id, item)), typeId: Number(special['type_id'] ?? 0) };
  });
}

/** The id of a `[token, id]` entry. */
function tokenId(entry: unknown): number {
  const id: unknown = Array.isArray(entry) ? entry[1] : undefined;
  return wholeId(id, entry);
}

function wholeId(id: unknown, entry: unknown): number {
  if (Number.isSafeInteger(id) && Number(id) >= 0) return Number(id);
  throw new TypeError(`its post_processor has the token ${show(entry)} with the id ${show(id)}`);
}

/** Spans without the spaces of byte-level tokens, but for one that was put in front of the text. */
function trimmer(prefixed: boolean): Template['trim'] {
  const spaces = (text: string): number => /^[\u0120\s]*/.exec(text)?.[0].length ?? 0;
  return (pieces, token) =>
    pieces.map((piece, i) => {
      const { id, span } = piece;
      const [start, end] = span;
      const text = token(piece);
      const leading = spaces(text);
      const kept = prefixed && leading > 0 && i === 0 ? leading - 1 : leading;
      const trailing = spaces(Array.from(text).toReversed().join(''));
      const from = Math.min(start + kept, end);
      if (leading === text.length) return { id, span: [from, from] };
      return { id, span: [from, end >= trailing ? Math.max(end - trailing, from) : end] };
    });
}

/** Special tokens that a template adds. */
export function addedCount(slots: readonly Slot[]): number {
  return slots.reduce((sum, slot) => sum + ('ids' in slot ? slot.ids.length : 0), 0);
}

/** The texts' tokens put into a template, with its special tokens or without. */
export function fill(
  slots: readonly Slot[],
  texts: readonly (readonly Piece[])[],
  special: boolean,
): Encoding {
  const encoding: Encoding = { ids: [], typeIds: [], offsets: [], textIndex: [] };
  for (const slot of slots) {
    if ('ids' in slot) {
      for (const id of special ? slot.ids : []) put(encoding, id, slot.typeId);
    } else {
      for (const { id, span } of texts[slot.text] ?? []) {
        put(encoding, id, slot.typeId, [span[0], span[1]], slot.text);
      }
    }
  }
  return encoding;
}

function put(
  { ids, typeIds, offsets, textIndex }: Encoding,
  id: number,
  typeId: number,
  offset?: [number, number],
  text?: 0 | 1,
): void {
  ids.push(id);
  typeIds.push(typeId);
  offsets.push(offset);
  textIndex.push(text);
}

/** How a text that is too long is cut into windows. */
export interface WindowOptions {
  /** Tokens of a window at most, special tokens included. */
  maxLength: number;
  /** Tokens that a window repeats of the one before. Default 0. */
  stride?: number;
  /** Which text is cut; `longest` (the default) takes from the longer one until both fit. */
  truncate?: 'first' | 'second' | 'longest';
}

/** The same without windows. */
export type CutOptions = Omit<WindowOptions, 'stride'>;

/**
 * One or two texts cut into windows of at most `room` tokens together: the first window holds what
 * plain truncation keeps, the others what it cuts off. Every part of one text meets every part of
 * the other. `side` is where tokens are cut off; of each text, `most` windows at most are made.
 */
export function windows(
  texts: readonly (readonly Piece[])[],
  room: number,
  { stride = 0, truncate = 'longest' }: Omit<WindowOptions, 'maxLength'>,
  side: 'left' | 'right',
  most: number = Infinity,
): Piece[][][] {
  const lengths = texts.map((text) => text.length);
  const [a = 0, b = 0] = lengths;
  if (a + b <= room) return [texts.map((text) => [...text])];
  const keep =
    texts.length === 1
      ? [room]
      : truncate === 'first'
        ? [room - b, b]
        : truncate === 'second'
          ? [a, room - a]
          : longestFirst(a, b, room);
  const parts = texts.map((text, i) => {
    const size = keep[i] ?? 0;
    if (text.length <= size) return [[...text]];
    if (size > stride) return cutWindows(text, size, stride, side, most);
    throw new TransformerError(
      'INPUT_INVALID',
      `Of a text of ${text.length} tokens, maxLength leaves room for ${size} beside the special ` +
        `tokens${texts.length > 1 ? ' and the other text' : ''}; wanted more than the stride, ` +
        `${stride}. Give a larger maxLength, a smaller stride, or cut the other text (truncate).`,
    );
  });
  const [ones = [], others = [[]]] = parts;
  const pairs = ones.flatMap((one) => others.map((other) => [one, other]));
  // The order of Hugging Face's overflow: the first window, those of the first text, then the rest.
  const count = others.length;
  const order = [pairs.slice(0, 1), pairs.slice(count), pairs.slice(1, count)].flat();
  return texts.length === 1 ? ones.map((one) => [one]) : order;
}

/** How many tokens of each text stay when the longer one is cut until both fit. */
function longestFirst(a: number, b: number, room: number): [number, number] {
  const short = Math.min(a, b);
  if (short * 2 <= room) return a <= b ? [a, room - a] : [room - b, b];
  const half = Math.floor(room / 2);
  return a <= b ? [half, room - half] : [room - half, half];
}

/** Windows of `size` tokens, each of which repeats `stride` of the one before. */
function cutWindows(
  text: readonly Piece[],
  size: number,
  stride: number,
  side: 'left' | 'right',
  most: number,
): Piece[][] {
  const count = Math.min(most, Math.ceil((text.length - stride) / (size - stride)));
  return Array.from({ length: count }, (_, i) => {
    const at = i * (size - stride);
    return side === 'right'
      ? text.slice(at, at + size)
      : text.slice(Math.max(0, text.length - at - size), text.length - at);
  });
}
