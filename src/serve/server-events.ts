// Answers that come in parts: server-sent events, each a line of JSON.

import { endOf } from './api-error.ts';
import type { Call } from './call.ts';

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Proxies that hold answers back until they are whole.
  'x-accel-buffering': 'no',
};

/**
 * A response of these events, with `[DONE]` at its end. The first is waited for, so that what fails before it has
 * a status of its own; what fails later is the last event.
 */
export async function eventResponse(
  call: Call,
  events: AsyncGenerator<object, void, undefined>,
): Promise<Response> {
  const first = await events.next();
  const lines = textsOf(call, first, events);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(`data: ${value}\n\n`));
    },
    async cancel() {
      await lines.return();
    },
  });
  return new Response(body, { headers });
}

async function* textsOf(
  { notes, signal }: Call,
  first: IteratorResult<object, void>,
  events: AsyncGenerator<object, void, undefined>,
): AsyncGenerator<string, void, undefined> {
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      yield JSON.stringify(next.value);
    }
    yield '[DONE]';
  } catch (error) {
    notes.error = endOf(signal, error);
    yield JSON.stringify(notes.error.body);
  } finally {
    await events.return();
  }
}
