// The size that a picture gets, in the arithmetic of Python's processors: heights and widths in pixels.

import type { Config } from '../model/config.ts';
import { roundHalfEven } from '../model/round-half-even.ts';
import type { ImageSize } from '../shaders/image/patches.ts';

/** What a picture of one size becomes. */
export type SizeRule = (size: ImageSize) => ImageSize;

/** What it becomes with a shortest edge, unless the longest one would be longer than `most`. */
export type EdgeRule = (size: ImageSize, edge: number, most: number) => ImageSize;

/**
 * The rule of a field: `{ height, width }`, `{ shortest_edge }` with `longest_edge` or without, or
 * `{ max_height, max_width }`. One number is a square, or the shortest edge where `toSquare` says no; two are height
 * and width. `withinEdges`: how a shortest and a longest edge go together. Errors: CONFIG_INVALID; MODEL_UNSUPPORTED for other fields.
 */
export function sizeRule(
  config: Config,
  name: string,
  toSquare: boolean,
  withinEdges: EdgeRule = withinLongest,
): SizeRule {
  const value = config.get(name);
  if (Array.isArray(value) || (typeof value === 'number' && toSquare)) {
    const size = edges(config, name);
    return () => size;
  }
  if (typeof value === 'number') {
    const edge = config.integer(name);
    return (size) => byShortest(size, edge);
  }
  const own = config.section(name);
  const names = Object.keys(own.fields).toSorted().join();
  if (names === 'height,width') {
    const size = [own.integer('height'), own.integer('width')] as const;
    return () => size;
  }
  if (names === 'shortest_edge') {
    const edge = own.integer('shortest_edge');
    return (size) => byShortest(size, edge);
  }
  if (names === 'longest_edge,shortest_edge') {
    const [edge, most] = [own.integer('shortest_edge'), own.integer('longest_edge')];
    return (size) => withinEdges(size, edge, most);
  }
  if (names === 'max_height,max_width') {
    const most = [own.integer('max_height'), own.integer('max_width')] as const;
    return (size) => within(size, most);
  }
  const known = [
    '{ height, width }',
    '{ shortest_edge, longest_edge }',
    '{ max_height, max_width }',
  ];
  return config.refuse(name, `${known.join(', ')} or { shortest_edge }`);
}

/** The size of a field that says height and width, or both at once by one number. */
export function edges(config: Config, name: string): ImageSize {
  const value = config.get(name);
  if (typeof value === 'object' && !Array.isArray(value)) {
    const own = config.section(name);
    return [own.integer('height'), own.integer('width')];
  }
  const [height = 0, width = height, ...more] = config.numbers(name, []);
  const isSide = (side: number): boolean => Number.isSafeInteger(side) && side > 0;
  if (isSide(height) && isSide(width) && more.length === 0) return [height, width];
  return config.invalid(name, '{ height, width }, or one or two whole numbers of at least 1');
}

/** get_resize_output_image_size of image_transforms.py */
function byShortest([height, width]: ImageSize, edge: number): ImageSize {
  return width <= height
    ? [Math.trunc((edge * height) / width), edge]
    : [edge, Math.trunc((edge * width) / height)];
}

/** get_size_with_aspect_ratio of image_transforms.py */
function withinLongest(size: ImageSize, edge: number, most: number): ImageSize {
  const { exact, side } = shortest(size, edge, most);
  return Math.min(...size) === side ? size : scaled(size, exact, side);
}

/** get_size_with_aspect_ratio_yolos of image_processing_yolos.py: in whole patches of 16 pixels. */
export function yolosSize(size: ImageSize, edge: number, most: number): ImageSize {
  const [height, width] = size;
  const { exact, side } = shortest(size, edge, most);
  const isOwn = width >= height && height === side;
  const [tall, wide] = isOwn ? size : scaled(size, exact, side);
  return [tall - (tall % 16), wide - (wide % 16)];
}

/** What the shortest edge becomes, and what it would be in parts of pixels. */
function shortest(
  size: ImageSize,
  edge: number,
  most: number,
): { readonly exact: number; readonly side: number } {
  const [short, long] = [Math.min(...size), Math.max(...size)];
  if ((long / short) * edge <= most) return { exact: edge, side: edge };
  const exact = (most * short) / long;
  return { exact, side: roundHalfEven(exact) };
}

/** The size with a shortest edge of `side` pixels, the other by what that is exactly. */
function scaled([height, width]: ImageSize, exact: number, side: number): ImageSize {
  return width < height
    ? [Math.trunc((exact * height) / width), side]
    : [side, Math.trunc((exact * width) / height)];
}

/** get_image_size_for_max_height_width of image_utils.py */
function within([height, width]: ImageSize, [tall, wide]: ImageSize): ImageSize {
  const scale = Math.min(tall / height, wide / width);
  return [Math.trunc(height * scale), Math.trunc(width * scale)];
}
