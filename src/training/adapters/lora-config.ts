// adapter_config.json, in the layout of Hugging Face's PEFT: what is read of it, and what is refused.

import { TransformerError } from '../../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { adaptiveFields, readAdaptive } from './adaptive-files.ts';
import type { LoraSizes } from './lora-options.ts';

/** Where an adapter comes from. */
export interface AdapterOrigin {
  /** The base model's name or path. */
  readonly baseModel: string | null;
  /** PEFT's name of what the model is for; null where it has none. */
  readonly taskType: string | null;
}

/** What a configuration says beside the layers. */
export interface AdapterConfig extends LoraSizes, AdapterOrigin {
  /** Whether rows are brought to lengths of their own. */
  readonly dora: boolean;
  /** Rate of dropout of the layers' inputs while the adapter trains. */
  readonly dropout: number;
}

/** PEFT's names of tasks, by the ends of class names. */
const taskTypes: readonly (readonly [RegExp, string])[] = [
  [/(?:ForConditionalGeneration|MTModel)$/, 'SEQ_2_SEQ_LM'],
  [/(?:ForCausalLM|LMHeadModel)$/, 'CAUSAL_LM'],
  [/ForSequenceClassification$/, 'SEQ_CLS'],
  [/ForTokenClassification$/, 'TOKEN_CLS'],
  [/ForQuestionAnswering$/, 'QUESTION_ANS'],
];

/** What a new adapter says of the model it is for, by the model's config.json. */
export function originOf(config: JsonObject): AdapterOrigin {
  const { _name_or_path: name, architectures: classes } = config;
  const made = String(Array.isArray(classes) ? classes[0] : '');
  return {
    baseModel: typeof name === 'string' && name !== '' ? name : null,
    taskType: taskTypes.find(([end]) => end.test(made))?.[1] ?? null,
  };
}

/** Fields that say where an adapter comes from or how it was begun, not what it computes. */
const indifferent = [
  'alpha_pattern',
  'auto_mapping',
  'base_model_name_or_path',
  'exclude_modules',
  // PEFT sets it right by the kind of layer, whatever it says.
  'fan_in_fan_out',
  'inference_mode',
  'init_lora_weights',
  'layers_pattern',
  'layers_to_transform',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'modules_to_save',
  'peft_version',
  'qalora_group_size',
  'r',
  'rank_pattern',
  'revision',
  'runtime_config',
  'target_modules',
  'target_parameters',
  'task_type',
  'use_dora',
  'use_rslora',
];

/** Beginnings that leave the base model's weights as they are. */
const harmlessBeginnings: readonly unknown[] = [undefined, null, true, false, 'gaussian'];

/** Reads a configuration. Whatever is set in it that would compute something else is refused. */
export function checkConfig(json: JsonObject, label: string): Omit<AdapterConfig, PatternName> {
  const unsupported = (field: string, wanted: string): TransformerError =>
    new TransformerError(
      'MODEL_UNSUPPORTED',
      `${label} has ${field} ${show(json[field])}; supported is ${wanted}. ` +
        'Merge this adapter into its base model with PEFT and load the merged model.',
    );
  const isAdaptive = json['peft_type'] === 'ADALORA';
  if (!isAdaptive && json['peft_type'] !== 'LORA') {
    throw unsupported('peft_type', '"LORA" or "ADALORA"');
  }
  if (!['none', undefined].includes(json['bias'] as string)) throw unsupported('bias', '"none"');
  if (!harmlessBeginnings.includes(json['init_lora_weights'])) {
    throw unsupported('init_lora_weights', 'true, false or "gaussian"');
  }
  for (const [field, value] of Object.entries(json)) {
    const own = [...indifferent, 'peft_type', 'bias', ...(isAdaptive ? adaptiveFields : [])];
    const known = own.includes(field);
    if (!known && !isUnset(value)) throw unsupported(field, 'to leave it unset');
  }
  const wrong = (field: string, wanted: string): TransformerError =>
    unfit(label, field, json[field], wanted);
  const shared = isAdaptive ? readAdaptive(json, label) : { rank: json['r'], adaptive: undefined };
  const { rank, adaptive } = shared;
  const { lora_alpha: alpha, lora_dropout: dropout = 0 } = json;
  if (!Number.isSafeInteger(rank) || Number(rank) < 1) throw wrong('r', 'a whole number from 1 on');
  if (!Number.isFinite(alpha) || Number(alpha) <= 0) {
    throw wrong('lora_alpha', 'a number above 0');
  }
  if (!Number.isFinite(dropout) || Number(dropout) < 0 || Number(dropout) >= 1) {
    throw wrong('lora_dropout', 'a rate from 0 to below 1');
  }
  const { base_model_name_or_path: base, use_rslora: rsLora, use_dora: dora } = json;
  if (!isUnset(rsLora) && rsLora !== true) throw wrong('use_rslora', 'true or false');
  if (!isUnset(dora) && dora !== true) throw wrong('use_dora', 'true or false');
  return {
    rank: Number(rank),
    alpha: Number(alpha),
    adaptive,
    // PEFT's ADALORA scales as it does, whatever that field says.
    rsLora: rsLora === true && !isAdaptive,
    dora: dora === true,
    dropout: Number(dropout),
    baseModel: typeof base === 'string' ? base : null,
    taskType: typeof json['task_type'] === 'string' ? json['task_type'] : null,
  };
}

type PatternName = 'rankPattern' | 'alphaPattern';

/**
 * The sizes that modules have of their own, by their whole names. PEFT takes the keys of patterns for regular
 * expressions that fit a whole name or its end; names, as usual, are taken here alone.
 */
export function patternsOf(
  json: JsonObject,
  names: readonly string[],
  label: string,
): Pick<LoraSizes, PatternName> {
  // ADALORA's rank_pattern says which ranks are left, see `readKept`.
  if (json['peft_type'] === 'ADALORA') return { rankPattern: {}, alphaPattern: {} };
  const read = (field: string): Record<string, number> => {
    const given = json[field] ?? {};
    if (!isObject(given)) throw unfit(label, field, given, 'an object of numbers by names');
    const found: Record<string, number> = {};
    for (const [key, value] of Object.entries(given)) {
      if (!/^\^?[\w.-]+$/.test(key)) {
        throw new TransformerError(
          'MODEL_UNSUPPORTED',
          `${label} has ${field} for ${show(key)}; supported are names of modules and ends of them. ` +
            'Merge this adapter into its base model with PEFT and load the merged model.',
        );
      }
      const isWhole = field === 'rank_pattern';
      if (
        !(Number(value) > 0) ||
        (isWhole ? !Number.isSafeInteger(value) : !Number.isFinite(value))
      ) {
        throw unfit(label, field, value, isWhole ? 'whole numbers from 1 on' : 'numbers above 0');
      }
      const end = key.replace('^', '');
      for (const name of names) {
        const fits = name === end || (!key.startsWith('^') && name.endsWith(`.${end}`));
        if (fits && !Object.hasOwn(found, name)) found[name] = Number(value);
      }
    }
    return found;
  };
  return { rankPattern: read('rank_pattern'), alphaPattern: read('alpha_pattern') };
}

function unfit(label: string, field: string, value: unknown, wanted: string): TransformerError {
  return new TransformerError(
    'CONFIG_INVALID',
    `${label} has ${field} ${show(value)}, wanted ${wanted}. Save the adapter again.`,
  );
}

/** Whether a field asks for nothing. */
export function isUnset(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
