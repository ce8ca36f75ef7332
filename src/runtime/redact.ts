// Takes what is secret out of texts for people: tokens, passwords, signed addresses. Every error's
// message passes through it, and so does all that is told otherwise. Each expression takes time in
// proportion to the text.

import { show } from './print.ts';

const HIDDEN = '***';

/** What names of secrets in a query have in them. */
const IN_QUERIES = 'token|secret|passw|pwd|key|credential|sig|auth|session|jwt|code|policy';

/** Names of secrets in headers, JSON and shells. Tokens of a vocabulary have other names. */
const ELSEWHERE =
  '(?:access|api|auth|bearer|hf|hub|id|private|refresh|security|session)[-_]?token|client[-_]?secret|' +
  'secret[-_]?access[-_]?key|api[-_]?key|passw(?:or)?d|set-cookie|cookie';

/** What to look for; the first group stays, and a mark stands in place of the rest. */
const shapes: readonly RegExp[] = [
  // User and password of an address, also of one that was taken for a path, or that has slashes in them.
  /(\w\w:\/\/?)[^\s/?#"'<>]*(?=@)/g,
  /(\w\w:\/\/?[^\s/?#"'<>@:]{0,200}:)(?!\d*[/?#])[^\s"'<>]{0,500}(?=@)/g,
  // The query of an address: those that are signed name their secrets as they like.
  /(:\/\/(?:(?!:\/\/)[^\s?#"'<>])*\?)[^\s#"'<>)]+/g,
  // A header or its value, which may have line breaks in it where it is quoted.
  /(["'`](?:Bearer|Basic|Digest|Token)\s)[^"'`]+/gi,
  /(\bBearer\s)[^\s"'`,;]{4,}/g,
  /(\bBasic\s)(?=[a-z+/]*[A-Z\d=])[\w+/=-]{6,}/g,
  /(\bauthorization["']?\s?[:=]\s?["']?)(?!(?:Bearer|Basic|Digest|Token)\s)[^\s"',;]+/gi,
  // A value behind a name.
  new RegExp(`([?&;#][\\w.%-]{0,40}?(?:${IN_QUERIES})[\\w.%-]{0,20}=)[^\\s"'&#;]+`, 'gi'),
  new RegExp(`((?:${ELSEWHERE})["']?\\s?[=:]\\s?["']?)[^\\s"'&,;}]+`, 'gi'),
  // Tokens that are known by how they begin: of the Hub, of GitHub, of Amazon, of others; signed JSON.
  /(\bhf_)(?:[A-Za-z\d]{16,}|(?=[a-z]*[A-Z\d])[A-Za-z\d]{4,})/g,
  /(\b)(?:api_org_|gh[opsru]_|github_pat_|glpat-|sk-)[\w-]{12,}/g,
  /(\b)A(?:KIA|SIA)[A-Z\d]{16}\b/g,
  /(\b)eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g,
];

/** The text without what is secret by its shape. `known` are secrets of any shape. */
export function redact(text: string, ...known: readonly (string | undefined)[]): string {
  let shown = text;
  for (const secret of known) if (secret) shown = shown.replaceAll(secret, HIDDEN);
  for (const shape of shapes) shown = shown.replace(shape, `$1${HIDDEN}`);
  return shown;
}

/** What caused an error, as it may be printed beside it: itself, or a copy where it holds a secret. */
export function redactCause(cause: unknown, ...known: readonly (string | undefined)[]): unknown {
  return copyOf(cause, known, 0);
}

/** Characters of an error's own fields that are looked at. */
const MOST_OWN = 10_000;

/** Causes of causes that are looked at; what lies deeper is left out. */
const DEPTH = 8;

function copyOf(cause: unknown, known: readonly (string | undefined)[], depth: number): unknown {
  if (typeof cause === 'string') return redact(cause, ...known);
  if (!(cause instanceof Error)) return cause;
  if (depth === DEPTH) return undefined;
  try {
    const { message, stack = '', cause: inner } = cause;
    // The stack repeats the message, and has nothing else of ours.
    const safe = redact(message, ...known);
    const safeInner = copyOf(inner, known, depth + 1);
    // Errors of libraries for requests carry the request.
    const own = show(Object.fromEntries(Object.entries(cause)), MOST_OWN);
    const isSafe = safe === message && redact(own, ...known) === own;
    if (isSafe && safeInner === inner) return cause;
    const copy = new Error(safe, inner === undefined ? {} : { cause: safeInner });
    const { name, code } = cause as { name: string; code?: unknown };
    return Object.assign(
      copy,
      { name, stack: redact(stack, ...known) },
      code === undefined ? {} : { code },
    );
  } catch {
    // An error that fails when it is read tells nobody anything.
    return undefined;
  }
}
