// The bodies of requests, up to a limit.

import { ApiError } from './api-error.ts';

/** The bytes of a body. @throws ApiError 413 once there are more than `most` */
async function bytesOf(request: Request, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const stated = Number(request.headers.get('content-length') ?? 0);
  if (stated > most) throw tooLarge(most);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || value === undefined) break;
    length += value.length;
    if (length > most) {
      await reader?.cancel();
      throw tooLarge(most);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function tooLarge(most: number): ApiError {
  return new ApiError(413, `The body has more than ${most} bytes. Send less at a time.`, {
    code: 'body_too_large',
  });
}

/** A body of this type. Others are what pages of any origin may send, unasked. @throws ApiError 415 */
function checkType(request: Request, wanted: string): string {
  const type = request.headers.get('content-type') ?? '';
  if (type.split(';')[0]?.trim().toLowerCase() === wanted) return type;
  throw new ApiError(415, `The body is of type "${type.slice(0, 100)}"; wanted ${wanted}.`, {
    code: 'unsupported_media_type',
  });
}

/** A body of JSON. @throws ApiError */
export async function jsonBody(request: Request, most: number): Promise<unknown> {
  checkType(request, 'application/json');
  const bytes = await bytesOf(request, most);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ApiError(400, 'The body is no JSON in UTF-8.', { code: 'invalid_json', cause });
  }
}

/** A form with files. @throws ApiError */
export async function formBody(request: Request, most: number): Promise<FormData> {
  const type = checkType(request, 'multipart/form-data');
  const bytes = await bytesOf(request, most);
  try {
    return await new Response(bytes, { headers: { 'content-type': type } }).formData();
  } catch (cause) {
    throw new ApiError(400, 'The body is no multipart form.', { code: 'invalid_form', cause });
  }
}
