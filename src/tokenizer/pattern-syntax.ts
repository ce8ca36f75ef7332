// Regular expressions of tokenizer.json as programs that pattern-matcher.ts runs. JavaScript's own
// engine tries ways again and again, for ever where a pattern such as (a+)+$ has many of them, and
// nothing can stop it. The syntax is that of JavaScript's `u` flag, without references to groups.

/** One instruction. `next` is where it goes on; of a choice, `other` comes second. */
export type Instruction =
  | {
      readonly kind: 'character';
      readonly is: CharacterTest;
      readonly next: number;
      readonly back: boolean;
    }
  | { readonly kind: 'choice'; next: number; other: number; readonly place: number }
  /** The choices of what it looks for are those from `first` to before `last`. */
  | {
      readonly kind: 'look';
      readonly inner: number;
      readonly first: number;
      readonly last: number;
      readonly negative: boolean;
      readonly next: number;
    }
  | { readonly kind: 'match' };

/** Whether a character is of a class. */
export type CharacterTest = (codePoint: number) => boolean;

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly entry: number;
  /** The number of choices, each of which has a place in the matcher's memory. */
  readonly choices: number;
}

type Node =
  | { readonly kind: 'character'; readonly is: CharacterTest }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | {
      readonly kind: 'look';
      readonly node: Node;
      readonly ahead: boolean;
      readonly negative: boolean;
    };

/** Those of tokenizers have a few hundred characters and instructions, in groups of three levels. */
const limits = { characters: 20_000, instructions: 20_000, levels: 100 };

/** Longer patterns are refused before anything reads them. Errors: TypeError. */
function checkLength(pattern: string): void {
  if (pattern.length <= limits.characters) return;
  throw new TypeError(
    `its pattern has ${pattern.length} characters; wanted at most ${limits.characters}`,
  );
}

/** The program of a pattern. Errors: TypeError for what is not supported or too large. */
export function compileProgram(source: string): Program {
  checkLength(source);
  return emitProgram(new Parser(source).whole());
}

const atom =
  /\\(?:[pP]\{[^}]*\}|u\{[\dA-Fa-f]+\}|u[dD][89abAB][\dA-Fa-f]{2}\\u[dD][c-fC-F][\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|c[A-Za-z]|[^1-9kbB])|\[(?:[^\]\\]|\\[^])*\]|[^\\[\](){}*+?|^$]/uy;
const group = /\((?:\?(?::|<?[=!]|<[A-Za-z_]\w*>))?/y;
const quantifier = /(?:[*+?]|\{(\d+)(,(\d*))?\})(\??)/y;

class Parser {
  readonly #source: string;
  #at = 0;
  #level = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#source.length) throw this.#unsupported();
    return node;
  }

  #alternatives(): Node {
    if (++this.#level > limits.levels) throw new TypeError('its pattern has too many levels');
    const nodes = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      nodes.push(this.#sequence());
    }
    this.#level--;
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { kind: 'choice', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? '')) {
      nodes.push(this.#repeated(this.#single()));
    }
    return { kind: 'sequence', nodes };
  }

  #single(): Node {
    const character = this.#take(atom)?.[0];
    if (character !== undefined) return { kind: 'character', is: characterTest(character) };
    const opening = this.#take(group)?.[0];
    if (opening === undefined) throw this.#unsupported();
    const node = this.#alternatives();
    if (this.#source[this.#at++] !== ')') throw this.#unsupported();
    if (!/[=!]$/.test(opening)) return node;
    const ahead = !opening.includes('<');
    return { kind: 'look', node, ahead, negative: opening.endsWith('!') };
  }

  #repeated(node: Node): Node {
    const found = this.#take(quantifier);
    if (found === undefined) return node;
    const [sign = '', least, comma, most, lazy] = found;
    const [from, to] =
      least === undefined
        ? [sign.startsWith('+') ? 1 : 0, sign.startsWith('?') ? 1 : Infinity]
        : [Number(least), comma === undefined ? Number(least) : Number(most || Infinity)];
    return { kind: 'repeat', node, least: from, most: to, lazy: lazy === '?' };
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  #unsupported(): TypeError {
    const rest = this.#source.slice(this.#at, this.#at + 20);
    return new TypeError(`its pattern has ${JSON.stringify(rest)}, which is not supported`);
  }
}

/** Tests made once for each class; what they found of characters up to U+FFFF is remembered. */
function characterTest(source: string): CharacterTest {
  const pattern = new RegExp(`^${source}$`, 'u');
  const known = new Uint8Array(0x1_0000);
  return (codePoint) => {
    const answer = known[codePoint];
    if (answer !== undefined && answer > 0) return answer === 2;
    const isOf = pattern.test(String.fromCodePoint(codePoint));
    if (answer !== undefined) known[codePoint] = isOf ? 2 : 1;
    return isOf;
  };
}

/** Each node leads to what comes after it, so a program is put together from its end. */
function emitProgram(root: Node): Program {
  const instructions: Instruction[] = [];
  let choices = 0;
  const add = (instruction: Instruction): number => {
    if (instructions.length >= limits.instructions) {
      throw new TypeError(`its pattern is larger than ${limits.instructions} instructions`);
    }
    return instructions.push(instruction) - 1;
  };
  const choose = (next: number, other: number): number =>
    add({ kind: 'choice', next, other, place: choices++ });

  const emit = (node: Node, next: number, back: boolean): number => {
    switch (node.kind) {
      case 'character':
        return add({ kind: 'character', is: node.is, next, back });
      case 'sequence': {
        const nodes = back ? node.nodes : node.nodes.toReversed();
        return nodes.reduce((after, one) => emit(one, after, back), next);
      }
      case 'choice': {
        const entries = node.nodes.map((one) => emit(one, next, back));
        return entries.reduceRight((other, entry) => choose(entry, other));
      }
      case 'look': {
        const first = choices;
        const inner = emit(node.node, add({ kind: 'match' }), !node.ahead);
        return add({ kind: 'look', inner, first, last: choices, negative: node.negative, next });
      }
      case 'repeat':
    }
    return repeat(node, next, back);
  };

  const repeat = (
    { node, least, most, lazy }: Node & { kind: 'repeat' },
    next: number,
    back: boolean,
  ): number => {
    let entry = next;
    const optional = (body: number, place: number): void => {
      const choice = instructions[place];
      if (choice?.kind !== 'choice') return;
      choice.next = lazy ? next : body;
      choice.other = lazy ? body : next;
    };
    if (most === Infinity) {
      entry = choose(next, next);
      optional(emit(node, entry, back), entry);
    } else {
      for (let i = least; i < most; i++) {
        const place = choose(next, next);
        optional(emit(node, entry, back), place);
        entry = place;
      }
    }
    for (let i = 0; i < least; i++) entry = emit(node, entry, back);
    return entry;
  };

  const entry = emit(root, add({ kind: 'match' }), false);
  return { instructions, entry, choices };
}
