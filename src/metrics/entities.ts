// Entities told beside those that are right: those of CoNLL's tags ("Introduction to the CoNLL-2003 Shared Task", Tjong
// Kim Sang and De Meulder 2003), as the Python package seqeval counts them.

import { checkArray, checkText, inputInvalid } from './check.ts';

/** How well entities are found. */
export interface EntityScore {
  /** The part of the entities told that are right, 0 to 1; 0 where none is told. */
  readonly precision: number;
  /** The part of the right entities that are told, 0 to 1. */
  readonly recall: number;
  /** 2 · precision · recall / (precision + recall). */
  readonly f1: number;
  /** The part of the tags that are right. */
  readonly accuracy: number;
  /** Entities that are right to tell. */
  readonly total: number;
}

/**
 * Counts entities of all texts that are told with their kind and both ends. A tag is `O`, or a prefix of `B`, `I`, `E` or
 * `S` before the kind, as `B-PER`; an `I` or `E` whose kind differs from the tag before begins an entity of its own
 * (seqeval's default mode). Lists have one list of tags a text. Errors: INPUT_INVALID.
 * @example
 * entities([['B-PER', 'I-PER', 'O']], [['B-PER', 'I-PER', 'B-LOC']]).f1; // 0.667
 */
export function entities(
  predictions: readonly (readonly string[])[],
  references: readonly (readonly string[])[],
): EntityScore {
  const told = checkTags('predictions', predictions);
  const right = checkTags('references', references);
  const lengths = (lists: readonly (readonly string[])[]): string =>
    lists.map(({ length }) => length).join(', ');
  if (lengths(told) !== lengths(right)) {
    throw inputInvalid(
      'entities',
      `predictions have ${lengths(told) || 'no'} tags and references ${lengths(right) || 'none'}; ` +
        'wanted as many of both in each text',
    );
  }
  const tags = right.flat();
  if (tags.length === 0) throw inputInvalid('entities', 'got no tags. Pass at least one text');
  const counts = { hits: 0, told: 0, right: 0 };
  for (const [text, list] of right.entries()) {
    const wanted = new Set(entitiesOf(list));
    const found = entitiesOf(told[text] ?? []);
    counts.hits += found.filter((entity) => wanted.has(entity)).length;
    counts.told += found.length;
    counts.right += wanted.size;
  }
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  const same = told.flat().filter((tag, i) => tag === tags[i]).length;
  return {
    precision: share(counts.hits, counts.told),
    recall: share(counts.hits, counts.right),
    f1: share(2 * counts.hits, counts.told + counts.right),
    accuracy: same / tags.length,
    total: counts.right,
  };
}

/** Each entity of a text as its kind and the tags that it reaches over. */
function entitiesOf(tags: readonly string[]): string[] {
  const found: string[] = [];
  let open: { readonly kind: string; readonly first: number } | undefined;
  let before = 'O';
  const close = (end: number): void => {
    if (open !== undefined) found.push(`${open.kind} ${open.first} ${end}`);
    open = undefined;
  };
  for (const [i, tag] of [...tags, 'O'].entries()) {
    const [last, now] = [partsOf(before), partsOf(tag)];
    const isOther = last.kind !== now.kind;
    if ('BSO'.includes(now.prefix) || 'ES'.includes(last.prefix) || isOther) close(i);
    if (now.prefix !== 'O' && open === undefined) open = { kind: now.kind, first: i };
    before = tag;
  }
  return found;
}

/** `B-PER` is `B` and `PER`. */
function partsOf(tag: string): { readonly prefix: string; readonly kind: string } {
  return { prefix: tag.slice(0, 1), kind: tag.slice(2) };
}

const form = /^(?:O|[BIES]-.+)$/su;

/** Whether a name is a tag of entities. */
export function isEntityTag(name: unknown): name is string {
  return typeof name === 'string' && form.test(name);
}

function checkTags(name: string, value: unknown): string[][] {
  return checkArray('entities', name, value).map((list, text) =>
    checkArray('entities', `${name}[${text}]`, list).map((tag, i) => {
      const place = `${name}[${text}][${i}]`;
      const one = checkText('entities', place, tag);
      if (isEntityTag(one)) return one;
      throw inputInvalid(
        'entities',
        `${place} is ${JSON.stringify(one)}; wanted O, or B-, I-, E- or S- and a kind`,
      );
    }),
  );
}
