// Edits while tokens are generated: the lists of a session share their numbers, which go by the places of tokens.

import { TransformerError } from '../../runtime/errors.ts';
import type { HeadColumns, Points } from '../../runtime/points.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { edit } from '../../shaders/elementwise/edit.ts';
import type { CheckedEdit, Look } from './look.ts';
import { isByKey, isOfSource } from './point-shapes.ts';
import { laidOut, ruleOf } from './tapped.ts';

/** Sequences of a session, tokens of each at most, and the same of its sources. */
interface SteeredSizes {
  readonly rows: number;
  readonly capacity: number;
  readonly sources: number;
  readonly sourceLength: number;
}

/** An edit, and where its numbers are. */
interface Steered {
  readonly name: string;
  readonly each: boolean;
  /** Whether it is of what is computed of sources. */
  readonly isOfSource: boolean;
  readonly rule: Tensor;
  readonly value: Tensor;
  /** Sequences, positions and heads of the rule. */
  readonly sizes: readonly [number, number, number];
  /** The shape of a whole value. */
  readonly shape: readonly number[];
}

export class Steering {
  readonly #scope: Scope;
  readonly #edits: readonly Steered[];
  readonly #found = new Set<string>();

  /** `scope`: of the session, which the numbers end with. */
  constructor(scope: Scope, { edits }: Look, sizes: SteeredSizes) {
    this.#scope = scope;
    this.#edits = edits.map((one) => steered(scope, one, sizes));
  }

  /** Appends a list that edits go into. `place`: the places of its tokens; none of sources. */
  record<T>(recording: Recording, place: Tensor | undefined, append: () => T): T {
    const points: Points = {
      has: (path) => this.#edits.some(({ name }) => name === path),
      visit: (path, tensor, heads) => this.#edited(path, tensor, { heads, place }),
    };
    return recording.watched(points, append);
  }

  /** Refuses edits at points that none of the lists so far came by. */
  assertFound(): void {
    const missing = this.#edits.find(({ name }) => !this.#found.has(name));
    if (missing === undefined) return;
    throw new TransformerError(
      'OPTION_INVALID',
      `Generation does not come by the point ${missing.name}. Leave its edit out, or use forward.`,
    );
  }

  /** Writes the numbers of a call. `inputOf`: which input each sequence goes on from. */
  write({ edits }: Look, inputOf: readonly number[]): void {
    const { queue } = this.#scope.gpu.device;
    edits.forEach((one, index) => {
      const own = this.#edits[index];
      if (own?.rule.buffer === undefined || own.value.buffer === undefined) {
        throw new RangeError('edits of another session');
      }
      const rowOf = (row: number): number => (own.isOfSource ? row : (inputOf[row] ?? row));
      queue.writeBuffer(own.rule.buffer, own.rule.offset, ruleOf(one, own.sizes, rowOf));
      queue.writeBuffer(own.value.buffer, own.value.offset, laidOut(one.value, own.shape, rowOf));
    });
  }

  #edited(
    path: string,
    tensor: Tensor,
    { heads, place }: { heads: HeadColumns | undefined; place: Tensor | undefined },
  ): Tensor {
    this.#found.add(path);
    const { recording } = tensor;
    return this.#edits
      .filter(({ name }) => name === path)
      .reduce((now, { each, isOfSource: ofSource, rule, value, sizes }) => {
        const [sequences, positions] = sizes;
        return edit(now, heads, {
          value: recording.use(value),
          rule: recording.use(rule),
          each,
          sequences,
          positions,
          place: ofSource ? undefined : place,
        });
      }, tensor);
  }
}

function steered(
  scope: Scope,
  { name, value, shape }: CheckedEdit,
  { rows, capacity, sources, sourceLength }: SteeredSizes,
): Steered {
  const { each } = value;
  const ofSource = isOfSource(name);
  const keyed = isByKey(name);
  const isByHead = shape.length === 4;
  const sequences = ofSource ? sources : rows;
  const positions = ofSource ? sourceLength : each ? (value.shape[1] ?? 1) : capacity;
  const heads = isByHead ? (shape[keyed ? 1 : 2] ?? 1) : 1;
  const last = keyed ? sourceLength : (shape.at(-1) ?? 1);
  const whole = keyed
    ? [sequences, heads, positions, last]
    : [sequences, positions, ...(isByHead ? [heads] : []), last];
  const floats = (label: string, size: readonly number[]): Tensor =>
    scope.tensor({ label, shape: size, dtype: 'f32' });
  return {
    name,
    each,
    isOfSource: ofSource,
    rule: floats('rule', [2 + sequences + positions + heads]),
    value: floats('value', each ? whole : [last]),
    sizes: [sequences, positions, heads],
    shape: whole,
  };
}
