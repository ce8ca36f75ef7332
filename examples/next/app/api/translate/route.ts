import { pipeline, TransformerError, type TranslationPipeline } from 'webgpu-transformer';

let loaded: Promise<TranslationPipeline> | undefined;

/** Translates on the server: `{ "text": "in 3 days", "to": "de" }`. */
export async function POST(request: Request) {
  loaded ??= pipeline('translation', 'public/models/phrases');
  const { text, to } = await request.json();
  try {
    return Response.json(await (await loaded)(text, { to }));
  } catch (error) {
    if (!(error instanceof TransformerError)) throw error;
    return Response.json({ code: error.code, message: error.message }, { status: 400 });
  }
}
