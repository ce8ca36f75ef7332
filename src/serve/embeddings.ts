// POST /v1/embeddings

import { wrongField } from './api-error.ts';
import { jsonBody } from './body.ts';
import type { Endpoint } from './call.ts';
import { Fields } from './fields.ts';
import { usageOf } from './generating.ts';
import { countTokens } from './text-inputs.ts';

/** The last is not OpenAI's: a prompt that the checkpoint has for texts of a kind, such as `query`. */
const known = ['model', 'input', 'encoding_format', 'dimensions', 'prompt_name'];

export const embeddings: Endpoint = async (call) => {
  const body = await jsonBody(call.request, call.limits.bodyBytes);
  const fields = new Fields(body, known);
  const { id, pipeline } = call.models.named(fields, 'embeddings');
  call.notes.model = id;
  call.notes.prompt = fields.get('input');
  const format = fields.choice('encoding_format', ['float', 'base64']) ?? 'float';
  const dimensions = fields.whole('dimensions', 1);
  const promptName = fields.text('prompt_name');
  if (typeof [fields.get('input')].flat(2)[0] === 'number') {
    throw wrongField(
      'input',
      'input has token ids; wanted texts, as models differ in their tokens.',
    );
  }
  const texts = fields.required('input', fields.texts('input'));
  if (texts.includes('')) throw fields.wrong('input', 'texts that are not empty');
  countTokens(call, pipeline, texts, { param: 'input' });
  const { data, shape } = await call.queue.run(call.client, call.signal, () =>
    pipeline(texts, {
      ...(dimensions !== undefined && { truncateDim: dimensions, normalize: true }),
      ...(promptName !== undefined && { promptName }),
      signal: call.signal,
    }),
  );
  const width = shape[1] ?? 0;
  if (dimensions !== undefined && dimensions > width) {
    throw wrongField('dimensions', `dimensions is ${dimensions}; this model gives ${width}.`);
  }
  const vectors = texts.map((_, index) => data.subarray(index * width, (index + 1) * width));
  return Response.json({
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'float' ? [...vector] : base64(vector),
    })),
    model: id,
    usage: usageOf(call),
  });
};

/** The numbers as f32, the lowest byte first. */
function base64(vector: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(4 * vector.length));
  for (const [index, value] of vector.entries()) bytes.setFloat32(4 * index, value, true);
  const text = Array.from(new Uint8Array(bytes.buffer), (byte) => String.fromCharCode(byte));
  return btoa(text.join(''));
}
