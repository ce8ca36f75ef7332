// The edits of a generation over whole texts, as `forward` takes them.

import type { CheckedEdit, Look } from './look.ts';
import type { PointEdit } from './point-options.ts';
import { laidOut } from './tapped.ts';

/** The texts that were generated. */
interface Texts {
  readonly count: number;
  /** How many there are for each input, one behind the other. */
  readonly copies: number;
  /** Tokens of each. */
  readonly length: number;
}

/** What a generation changed, for a call with the texts that it gave: the same, at the positions that these have. */
export function spreadEdits({ edits }: Look, texts: Texts): PointEdit[] {
  return edits.map((one) => {
    const { name, keep, factor, shape, sequences, positions, heads } = one;
    // Sizes that had no end, while the text grew.
    const isGrowing = shape[1] === Infinity;
    const { each, shape: own } = one.value;
    const end = Math.min(texts.length, each ? (own[1] ?? Infinity) : Infinity);
    const within = positions?.filter((position) => position < end) ?? [...Array(end).keys()];
    const at = isGrowing ? within : positions;
    const change: Omit<PointEdit, 'at'> =
      factor === 0
        ? { scale: keep }
        : { [keep === 1 ? 'add' : 'replace']: valueFor(one, texts), scale: factor };
    return {
      at: name,
      ...change,
      ...(sequences && {
        sequences: sequences.flatMap((input) =>
          Array.from({ length: texts.copies }, (_, copy) => input * texts.copies + copy),
        ),
      }),
      ...(at && { positions: at }),
      ...(heads && { heads }),
    };
  });
}

/** Its value, as large as what it acts on then. */
function valueFor(
  { value, shape }: CheckedEdit,
  { count, copies, length }: Texts,
): NonNullable<PointEdit['add']> {
  if (!value.each) return value.data;
  const [, ...inner] = shape;
  const whole = [
    value.shape[0] === 1 ? 1 : count,
    ...inner.map((size) => (size === Infinity ? length : size)),
  ];
  const data = laidOut(value, whole, (text) => Math.floor(text / copies));
  return { data, shape: whole };
}
