// The names that modules have in the classes of transformers from release 5 on, where the files of checkpoints keep older
// ones: PEFT names its matrices by the class.

import { isObject, type JsonObject } from '../../source/json.ts';
import type { AdaptableLayer } from './lora-targets.ts';

/** What a name of a file looks like behind its layer, and what the class calls it: several names share its rows. */
type Renaming = readonly [file: RegExp, names: readonly string[]];

const queryKeyValue = ['q_proj', 'k_proj', 'v_proj'] as const;

const ofImages: readonly Renaming[] = [
  [/encoder\.layer\.(\d+)\.attention\.attention\.query$/, ['layers.$1.attention.q_proj']],
  [/encoder\.layer\.(\d+)\.attention\.attention\.key$/, ['layers.$1.attention.k_proj']],
  [/encoder\.layer\.(\d+)\.attention\.attention\.value$/, ['layers.$1.attention.v_proj']],
  [/encoder\.layer\.(\d+)\.attention\.output\.dense$/, ['layers.$1.attention.o_proj']],
  [/encoder\.layer\.(\d+)\.intermediate\.dense$/, ['layers.$1.mlp.fc1']],
  [/encoder\.layer\.(\d+)\.output\.dense$/, ['layers.$1.mlp.fc2']],
];

const ofDino: readonly Renaming[] = [
  [/attention\.attention\.query$/, ['attention.q_proj']],
  [/attention\.attention\.key$/, ['attention.k_proj']],
  [/attention\.attention\.value$/, ['attention.v_proj']],
  [/attention\.output\.dense$/, ['attention.o_proj']],
  [/mlp\.weights_in$/, ['mlp.gate_proj', 'mlp.up_proj']],
  [/mlp\.weights_out$/, ['mlp.down_proj']],
];

const fused = queryKeyValue.map((name) => `layers.$1.self_attn.${name}`);

/** By `model_type`. */
const renamings: Readonly<Record<string, readonly Renaming[]>> = {
  vit: ofImages,
  deit: ofImages,
  dinov2: ofDino,
  dinov2_with_registers: ofDino,
  nomic_bert: [
    [/encoder\.layers\.(\d+)\.attn\.Wqkv$/, fused],
    [/encoder\.layers\.(\d+)\.attn\.out_proj$/, ['layers.$1.self_attn.o_proj']],
    [/encoder\.layers\.(\d+)\.mlp\.fc12$/, ['layers.$1.mlp.gate_proj']],
    [/encoder\.layers\.(\d+)\.mlp\.fc11$/, ['layers.$1.mlp.up_proj']],
    [/encoder\.layers\.(\d+)\.mlp\.fc2$/, ['layers.$1.mlp.down_proj']],
  ],
  gte: [
    [/encoder\.layer\.(\d+)\.attention\.qkv_proj$/, fused],
    [/encoder\.layer\.(\d+)\.attention\.o_proj$/, ['layers.$1.self_attn.o_proj']],
    [
      /encoder\.layer\.(\d+)\.mlp\.up_gate_proj$/,
      ['layers.$1.mlp.up_proj', 'layers.$1.mlp.gate_proj'],
    ],
    [/encoder\.layer\.(\d+)\.mlp\.down_proj$/, ['layers.$1.mlp.down_proj']],
  ],
  lfm3: [[/self_attn\.gate_proj$/, ['self_attn.g_proj']]],
  jina_embeddings_v3: [
    [/encoder\.layers\.(\d+)\.mixer\.Wqkv$/, fused],
    [/encoder\.layers\.(\d+)\.mixer\.out_proj$/, ['layers.$1.self_attn.o_proj']],
    [/encoder\.layers\.(\d+)\.mlp\.(fc[12])$/, ['layers.$1.mlp.$2']],
  ],
};

/** A layer, or a part of one, under its name in the class. */
export interface RenamedLayer extends AdaptableLayer {
  /** The name that the file has. */
  readonly inFile: string;
}

/** The same layers under the names of the classes, where these are others. */
export function renamedLayers(
  config: JsonObject,
  layers: Iterable<AdaptableLayer>,
): Map<string, RenamedLayer> {
  const { model_type: own, encoder } = config;
  const ofEncoder = isObject(encoder) ? encoder['model_type'] : undefined;
  const isPair = own === 'vision-encoder-decoder';
  const rules = renamings[String(isPair ? ofEncoder : own)] ?? [];
  const found = new Map<string, RenamedLayer>();
  for (const layer of rules.length === 0 ? [] : layers) {
    if (isPair && !layer.name.startsWith('encoder.')) continue;
    const [file, names] = rules.find(([pattern]) => pattern.test(layer.name)) ?? [];
    names?.forEach((name, part) => {
      const inClass = layer.name.replace(file ?? '', name);
      const rows = rowsOf(layer, part, names.length);
      if (rows !== undefined)
        found.set(inClass, { ...layer, ...rows, name: inClass, inFile: layer.name });
    });
  }
  return found;
}

/** One of several parts of the rows of a layer; undefined where its own stand apart. */
function rowsOf(
  { pieces, out }: AdaptableLayer,
  part: number,
  parts: number,
): Pick<AdaptableLayer, 'pieces' | 'out'> | undefined {
  if (parts === 1) return { pieces, out };
  const rows = out / parts;
  const start = part * rows;
  for (const { tensor, first: begin, runs } of pieces) {
    let first = begin;
    for (const run of runs) {
      if (run.from <= start && start + rows <= run.from + run.rows) {
        const own = { tensor, first: first + start - run.from, out: rows };
        return { pieces: [{ ...own, runs: [{ from: 0, rows }] }], out: rows };
      }
      first += run.rows;
    }
  }
  return undefined;
}
