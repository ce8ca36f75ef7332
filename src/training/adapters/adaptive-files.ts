// Adapters whose ranks are shared in PEFT's files: ADALORA's fields of adapter_config.json, and matrices of which only the
// ranks that are left are stored.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { elements } from '../../runtime/tensor.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { type CheckedAdaptive, checkAdaptive, type KeptRanks } from './adaptive-ranks.ts';
import type { SizedLayer } from './lora-matrices.ts';
import { storedMatrices } from './matrix-names.ts';

/** PEFT's names of the options. */
const fields = {
  totalSteps: 'total_step',
  targetRank: 'target_r',
  initialSteps: 'tinit',
  finalSteps: 'tfinal',
  interval: 'deltaT',
  beta1: 'beta1',
  beta2: 'beta2',
  orthogonality: 'orth_reg_weight',
} as const satisfies Readonly<Record<keyof CheckedAdaptive, string>>;

/** All fields that ADALORA has beside LORA's. */
export const adaptiveFields: readonly string[] = ['init_r', ...Object.values(fields)];

/** The end of a name in rank_pattern. */
const singular = '.lora_E';

/** What adapter_config.json says of them. */
export function adaptiveConfig(
  adaptive: CheckedAdaptive,
  rank: number,
  kept: KeptRanks | undefined,
): JsonObject {
  const names = Object.entries(fields) as [keyof CheckedAdaptive, string][];
  const pattern =
    kept &&
    Object.fromEntries([...kept].map(([name, ranks]) => [`${name}${singular}`, [...ranks]]));
  return {
    peft_type: 'ADALORA',
    init_r: rank,
    // Not read by PEFT, which warns of other values.
    r: 8,
    rank_pattern: pattern ?? null,
    ...Object.fromEntries(names.map(([name, field]) => [field, adaptive[name]])),
  };
}

/** Reads it again. @throws TransformerError CONFIG_INVALID */
export function readAdaptive(
  json: JsonObject,
  label: string,
): { readonly rank: number; readonly adaptive: CheckedAdaptive } {
  const given = Object.entries(fields).flatMap(([name, field]) =>
    json[field] === undefined || json[field] === null ? [] : [[name, json[field]] as const],
  );
  const { init_r: rank = 12 } = json;
  try {
    if (!Number.isSafeInteger(rank) || Number(rank) < 1) throw new RangeError(show(rank));
    const options = Object.fromEntries(given) as unknown as CheckedAdaptive;
    return { rank: Number(rank), adaptive: checkAdaptive(options, Number(rank)) };
  } catch (error) {
    throw new TransformerError(
      'CONFIG_INVALID',
      `${label} has an init_r of ${show(rank)} and ${show(Object.fromEntries(given), 300)}: ` +
        `${error instanceof TransformerError ? error.message : 'init_r is no rank.'} Save the adapter again.`,
    );
  }
}

/** Which ranks a configuration leaves; undefined where it leaves all. @throws TransformerError CONFIG_INVALID */
export function readKept(json: JsonObject, rank: number, label: string): KeptRanks | undefined {
  const { rank_pattern: pattern = null } = json;
  if (pattern === null) return undefined;
  const entries = isObject(pattern) ? Object.entries(pattern) : [];
  const isRanks = (value: unknown): value is boolean[] =>
    isListOf(value, (each) => typeof each === 'boolean') && value.length === rank;
  const wrong = entries.find(([name, ranks]) => !name.endsWith(singular) || !isRanks(ranks));
  if (!isObject(pattern) || wrong !== undefined) {
    throw new TransformerError(
      'CONFIG_INVALID',
      `${label} has rank_pattern ${show(wrong ?? pattern)}; wanted names that end in "${singular}" with ${rank} times ` +
        'true or false each. Save the adapter again.',
    );
  }
  return new Map(
    entries.map(([name, ranks]) => [name.slice(0, -singular.length), ranks as boolean[]]),
  );
}

/** Copies the ranks of a layer that are left between matrices of all and of these. */
function moveRanks(
  layer: SizedLayer,
  ranks: readonly boolean[],
  values: ReadonlyMap<string, StoredValues>,
  toAll: boolean,
): [string, StoredValues][] {
  const left = ranks.flatMap((isKept, i) => (isKept ? [i] : []));
  return storedMatrices(layer, { dora: false }).map(({ key, shape: whole }) => {
    const axis = whole[0] === layer.rank && !key.endsWith('lora_B') ? 0 : 1;
    const part = whole.map((size, i) => (i === axis ? left.length : size));
    const shape = toAll ? whole : part;
    const data = new Float32Array(elements(shape));
    const given = values.get(key)?.data ?? new Float32Array();
    const [rows = 0, columns = 0] = part;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [i, j] = axis === 0 ? [left[row] ?? 0, column] : [row, left[column] ?? 0];
        const [all, some] = [i * (whole[1] ?? 1) + j, row * columns + column];
        if (toAll) data[all] = given[some] ?? 0;
        else data[some] = given[all] ?? 0;
      }
    }
    return [key, { shape, data }];
  });
}

/** Matrices without the ranks that are gone. */
export function withoutRanks(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
  kept: KeptRanks | undefined,
): ReadonlyMap<string, StoredValues> {
  return movedRanks(values, layers, kept, false);
}

/** The same matrices with all ranks, those that are gone being 0. */
export function withRanks(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
  kept: KeptRanks | undefined,
): ReadonlyMap<string, StoredValues> {
  return movedRanks(values, layers, kept, true);
}

function movedRanks(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
  kept: KeptRanks | undefined,
  toAll: boolean,
): ReadonlyMap<string, StoredValues> {
  if (kept === undefined) return values;
  const moved = layers.flatMap((layer) => {
    const ranks = kept.get(layer.name);
    return ranks === undefined ? [] : moveRanks(layer, ranks, values, toAll);
  });
  return new Map([...values, ...moved]);
}
