// webgpu-transformer info DIR: what a checkpoint holds, read from its headers alone.

import { readConfigs } from '../model/load.ts';
import { openSource } from '../model/open-source.ts';
import { openSafetensors } from '../model/safetensors.ts';
import { TransformerError } from '../index.node.ts';

export async function info(places: readonly string[]): Promise<void> {
  const [place] = places;
  if (place === undefined || places.length > 1) {
    throw new TransformerError('INPUT_INVALID', 'Pass one checkpoint folder or URL: info DIR');
  }
  const files = openSource(place);
  const { config, generation } = await readConfigs(files, undefined);
  const tensors = [...(await openSafetensors(files)).values()];
  files.release?.();

  const parameters = tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const bytes = tensors.reduce((sum, { start, end }) => sum + end - start, 0);
  const dtypes = new Map<string, number>();
  for (const { dtype } of tensors) dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + 1);
  const formats = [...dtypes].map(([dtype, count]) => `${count} × ${dtype}`).join(', ');

  console.log(`model type    ${stated(config['model_type'] ?? config['kind'])}`);
  console.log(`architecture  ${stated(config['architectures'])}`);
  console.log(`parameters    ${parameters.toLocaleString('en-US')} in ${tensors.length} tensors`);
  console.log(`stored as     ${formats}, ${(bytes / 1e6).toFixed(2)} MB`);
  const settings = Object.entries(generation === config ? {} : generation)
    .filter(([name]) => name !== 'transformers_version')
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  if (settings.length > 0) console.log(`generation    ${settings.join(', ')}`);
}

/** A field of config.json for display: a text, or texts. */
function stated(value: unknown): string {
  const texts = [value].flat().filter((item) => typeof item === 'string');
  return texts.length === 0 ? 'not stated' : texts.join(', ');
}
