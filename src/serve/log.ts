// A line of the log.

import { messageOf } from '../runtime/print.ts';
import { redact } from '../runtime/redact.ts';
import type { Notes } from './call.ts';
import type { LogEntry } from './options.ts';

interface Ended {
  readonly id: string;
  readonly request: Request;
  readonly path: string;
  readonly status: number;
  readonly duration: number;
}

/** What is told of a request: nothing of what it asked, unless `logPrompts`. */
export function logEntry(
  { id, request, path, status, duration }: Ended,
  { model, promptTokens, completionTokens, firstTokenAfter, error, prompt }: Notes,
  logPrompts: boolean,
): LogEntry {
  return {
    time: new Date().toISOString(),
    id,
    method: request.method,
    path,
    status,
    duration: Math.round(duration),
    ...(model !== undefined && { model }),
    ...(promptTokens > 0 && { promptTokens }),
    ...(completionTokens > 0 && { completionTokens }),
    ...(firstTokenAfter !== undefined && { firstTokenAfter: Math.round(firstTokenAfter) }),
    ...(error !== undefined && { error: errorText(error) }),
    ...(logPrompts && prompt !== undefined && { prompt }),
  };
}

/** Messages of what a request did wrong may tell what it asked. */
function errorText({ body, status, cause }: NonNullable<Notes['error']>): string {
  const { code, type } = body.error;
  const name = code ?? type;
  return status < 500 || cause === undefined ? name : `${name}: ${redact(messageOf(cause))}`;
}
