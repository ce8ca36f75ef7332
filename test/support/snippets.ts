// Code blocks of a document as modules that check the answers written beside them. An answer is a
// comment behind an expression, and JavaScript itself, up to a semicolon:
//
//   await translate('in 3 days', { to: 'de' }); // [{ translationText: 'in 3 Tagen' }]
//
// Behind a loop it is what the loop has written to stdout. Node only.

import { parseSync } from 'vite';

export interface Block {
  readonly language: string;
  /** The file that it is, behind the language in brackets; '' where none is named. */
  readonly title: string;
  /** Of the block's first line of code, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The fenced blocks of a document in Markdown. */
export function codeBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\w*)(?: \[([^\]]+)\])?\n(.*?)^```$/gms)) {
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    const [, language = '', title = '', code = ''] = match;
    blocks.push({ language, title, line, code });
  }
  return blocks;
}

/** Comments that begin like a value are answers; others explain. */
const answerStart = /^[[{'"\d]|^-\d|^(true|false)$/;

/**
 * A snippet with its answers turned into calls: `check(value, expect => answer)`, and `written(text)`
 * for what was written. Throws for an answer that is no JavaScript.
 */
export function withChecks(code: string): { readonly code: string; readonly answers: number } {
  const { program, comments, errors } = parseSync('snippet.ts', code, { sourceType: 'module' });
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(error.message);
  let result = code;
  let answers = 0;
  // From the end, so that places before stay where they are.
  for (const { type, start, end } of program.body.toReversed()) {
    const rest = comments.find((comment) => comment.type === 'Line' && comment.start >= end);
    const isBehind = rest !== undefined && /^[ \t]*$/.test(code.slice(end, rest.start));
    const answer = isBehind ? rest.value.trim().replace(/;\s.*$/, '') : '';
    if (!answerStart.test(answer)) continue;
    const statement = code.slice(start, end);
    if (type === 'ExpressionStatement') {
      const value = statement.replace(/;$/, '');
      result = `${result.slice(0, start)}check(${value}, ${asMatcher(answer)});${result.slice(end)}`;
    } else if (type === 'ForOfStatement') {
      result = `${result.slice(0, end)} written(${answer});${result.slice(end)}`;
    } else continue;
    answers += 1;
  }
  return { code: result, answers };
}

/** An answer as what `toEqual` takes: numbers to the digits that are shown, arrays by their type. */
function asMatcher(answer: string): string {
  return answer.replaceAll(
    /'[^']*'|"[^"]*"|\bFloat32Array\b|-?\d+\.(\d+)/g,
    (part: string, digits: string | undefined) => {
      if (part === 'Float32Array') return 'expect.any(Float32Array)';
      return digits === undefined ? part : `expect.closeTo(${part}, ${digits.length})`;
    },
  );
}

/** The words of a shell line without escapes, and what the comment behind them says. */
export function shellWords(line: string): { readonly words: string[]; readonly comment: string } {
  const words: string[] = [];
  for (const [part, quoted, comment] of line.matchAll(/"([^"]*)"|#\s*(.*)$|[^\s"#]\S*/g)) {
    if (comment !== undefined) return { words, comment };
    words.push(quoted ?? part);
  }
  return { words, comment: '' };
}
