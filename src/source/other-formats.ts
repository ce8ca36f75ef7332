// What a folder holds in place of a checkpoint in safetensors, and the way on from there.

import { isObject, show } from './json.ts';
import { fileExists, readJson, type Source } from './source.ts';

/** Another format: the names of its files, those to ask for where a source has no list, and what to do. */
interface Format {
  readonly names: RegExp;
  readonly probes: readonly string[];
  readonly next: string;
}

const formats: readonly Format[] = [
  { names: /\.gguf$/i, probes: [], next: 'to load that file, pass its own path or address' },
  // Pickles run code when they are opened.
  {
    names: /^pytorch_model.*\.bin(\.index\.json)?$/,
    probes: ['pytorch_model.bin', 'pytorch_model.bin.index.json'],
    next:
      'convert it in Python, model.save_pretrained(folder, safe_serialization=True), ' +
      'then load that folder',
  },
  { names: /^tf_model.*\.h5/, probes: ['tf_model.h5'], next: inOldPython('from_tf') },
  {
    names: /^flax_model.*\.msgpack/,
    probes: ['flax_model.msgpack'],
    next: inOldPython('from_flax'),
  },
  {
    names: /\.onnx$|^onnx$/,
    probes: ['onnx/model.onnx', 'model.onnx'],
    next: notSupported('ONNX'),
  },
];

function notSupported(format: string): string {
  return `${format} is not supported. Load the checkpoint in safetensors that it was made from`;
}

/** The last releases of transformers that read these are those of version 4. */
function inOldPython(option: string): string {
  return (
    `convert it in Python with transformers 4, from_pretrained(folder, ${option}=True) and ` +
    'save_pretrained(folder), then load that folder'
  );
}

/** Sentences on what is there; undefined where nothing is known. */
export async function otherFormat(
  source: Source,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const adapter = await readJson(source, 'adapter_config.json', { signal });
  if (isObject(adapter)) {
    const base = adapter['base_model_name_or_path'];
    return (
      `There is adapter_config.json: it is an adapter${typeof base === 'string' ? ` of ${show(base)}` : ''}. ` +
      'Load the model it was trained on, then the adapter with loadLora(model, source) of ' +
      'webgpu-transformer/training.'
    );
  }
  const names = (await source.list?.(signal)) ?? [];
  for (const { names: pattern, probes, next } of formats) {
    let found = names.find((name) => pattern.test(name));
    for (const probe of names.length > 0 ? [] : probes) {
      if (await fileExists(source, probe, signal)) found ??= probe;
    }
    if (found !== undefined) return `There is ${found}: ${next}.`;
  }
  if (names.length === 0) return undefined;
  const some = `${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}`;
  return `It holds ${some}. Pass a model whose weights are in safetensors.`;
}
