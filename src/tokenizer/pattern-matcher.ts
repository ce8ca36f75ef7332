// Runs the programs of pattern-syntax.ts: the first way that matches wins, as in Perl and JavaScript,
// but what has failed at a place is never tried again there. So the work grows with the length of
// the text, whatever the pattern (the memory of BitState in Cox 2010, "Regular Expression Matching in
// the Wild").

import { TransformerError } from '../runtime/errors.ts';
import { compileProgram, type Instruction, type Program } from './pattern-syntax.ts';
import type { Find, Match, Matches } from './patterns.ts';

/** A pattern that finds its matches in linear time. Errors: TypeError for an unsupported one. */
export function compileRegex(source: string): Find {
  const program = compileProgram(source);
  return (text) => findMatches(program, text);
}

/** Memory for choices at places of a text: a text that needs more is refused. */
const mostMemory = 2 ** 28;

/** The matches that `text.matchAll` would give. Errors: INPUT_INVALID for a text beyond all measure. */
export function findMatches(program: Program, text: string): Matches & { steps: number } {
  const run = new Run(program, text);
  const matches: Match[] = [];
  let certain = 0;
  for (let at = 0; at <= text.length;) {
    const end = run.match(at);
    if (!run.touchesEnd) certain = Math.max(end, at);
    if (end >= 0) matches.push([at, end]);
    at = end > at ? end : at + width(text, at);
  }
  return { matches, steps: run.steps, certain };
}

/** UTF-16 units of the character at a place. */
function width(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

const failed = 1;
const succeeds = 2;

class Run {
  steps = 0;
  /** Whether anything has looked at what comes after the last character. */
  touchesEnd = false;
  readonly #program: Program;
  readonly #text: string;
  readonly #memory: Uint8Array;

  constructor(program: Program, text: string) {
    this.#program = program;
    this.#text = text;
    const size = program.choices * (text.length + 1);
    if (size > mostMemory) {
      throw new TransformerError(
        'INPUT_INVALID',
        `A text of ${text.length} characters is too long for the tokenizer's pattern. ` +
          'Give it in parts.',
      );
    }
    this.#memory = new Uint8Array(size);
  }

  /** Where the match that begins at a place ends; -1 when there is none. */
  match(start: number): number {
    const path: number[] = [];
    const end = this.#walk(this.#program.entry, start, path, false);
    if (end < 0) return end;
    // The way that has matched may be taken again, and at its end, what it went on from.
    for (const place of path) this.#memory[place] = 0;
    this.#forget(end, 0, this.#program.choices);
    return end;
  }

  /** `path` gets the choices that led to a match, as places in the memory. */
  #walk(entry: number, start: number, path: number[], looks: boolean): number {
    const { instructions, choices } = this.#program;
    const memory = this.#memory;
    /** Second ways: instruction, place, length of the path. */
    const open: number[] = [];
    let at = start;
    let next = entry;
    for (;;) {
      this.steps++;
      const instruction = instructions[next] as Instruction;
      let fails = false;
      if (instruction.kind === 'match') return at;
      if (instruction.kind === 'choice') {
        const place = at * choices + instruction.place;
        if (looks && memory[place] === succeeds) return at;
        fails = memory[place] === failed;
        if (!fails) {
          memory[place] = failed;
          path.push(place);
          open.push(instruction.other, at, path.length);
        }
      } else if (instruction.kind === 'look') {
        fails = this.#looks(instruction, at) === instruction.negative;
      } else {
        const moved = this.#character(instruction, at);
        fails = moved < 0;
        if (!fails) at = moved;
      }
      if (!fails) {
        next = instruction.next;
        continue;
      }
      if (open.length === 0) return -1;
      path.length = open.pop() ?? 0;
      at = open.pop() ?? 0;
      next = open.pop() ?? 0;
    }
  }

  /** Whether a look forwards or backwards succeeds; its way is remembered as one that does. */
  #looks({ inner, first, last }: Instruction & { kind: 'look' }, at: number): boolean {
    const path: number[] = [];
    if (this.#walk(inner, at, path, true) < 0) return false;
    for (const place of path) {
      this.#forget(Math.floor(place / this.#program.choices), first, last);
    }
    for (const place of path) this.#memory[place] = succeeds;
    return true;
  }

  /**
   * What failed at a place only for coming back to a way that was still open there, and then has
   * matched, would not fail any more.
   */
  #forget(at: number, first: number, last: number): void {
    const row = at * this.#program.choices;
    for (let place = row + first; place < row + last; place++) {
      if (this.#memory[place] === failed) this.#memory[place] = 0;
    }
  }

  /** The place behind a character of the class, or in front of it; -1 when it is of another. */
  #character({ is, back }: Instruction & { kind: 'character' }, at: number): number {
    if (back) {
      if (at === 0) return -1;
      const before = at > 1 ? (this.#text.codePointAt(at - 2) ?? 0) : 0;
      const codePoint = before > 0xffff ? before : (this.#text.codePointAt(at - 1) ?? 0);
      return is(codePoint) ? at - (codePoint > 0xffff ? 2 : 1) : -1;
    }
    const codePoint = this.#text.codePointAt(at);
    if (codePoint === undefined) {
      this.touchesEnd = true;
      return -1;
    }
    return is(codePoint) ? at + (codePoint > 0xffff ? 2 : 1) : -1;
  }
}
