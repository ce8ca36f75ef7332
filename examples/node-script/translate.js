// node translate.js --to fr "in 3 days" "2 weeks ago"; without phrases, each line of stdin.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { pipeline, TransformerError } from 'webgpu-transformer';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { to: { type: 'string', default: 'de' } },
});
const model = new URL('.', import.meta.resolve('webgpu-transformer/models/phrases/config.json'));

let translate;
try {
  translate = await pipeline('translation', model);
  // Made here, since lines that come while nobody listens are lost.
  const phrases = positionals.length > 0 ? positionals : createInterface(process.stdin);
  for await (const phrase of phrases) {
    for await (const piece of translate.stream(phrase, { to: values.to })) {
      process.stdout.write(piece);
    }
    process.stdout.write('\n');
  }
} catch (error) {
  // What the library throws says what to do.
  if (!(error instanceof TransformerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  translate?.dispose();
}
