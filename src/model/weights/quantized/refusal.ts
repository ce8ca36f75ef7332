// Quantized checkpoints that cannot be loaded: by what method they are, as their files say.

import { TransformerError } from '../../../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../../../source/json.ts';
import type { Config } from '../../config.ts';
import { isGiven, quantizationFields } from '../quantization-fields.ts';

/** How people call the methods that `quant_method` names. */
const methods = new Map([
  ['aqlm', 'AQLM'],
  ['auto-round', 'AutoRound'],
  ['awq', 'AWQ'],
  ['bitnet', 'BitNet'],
  ['bitsandbytes', 'bitsandbytes'],
  ['eetq', 'EETQ'],
  ['fbgemm_fp8', 'FBGEMM FP8'],
  ['fp8', 'FP8'],
  ['gguf', 'GGUF'],
  ['gptq', 'GPTQ'],
  ['higgs', 'HIGGS'],
  ['hqq', 'HQQ'],
  ['modelopt', 'ModelOpt'],
  ['mxfp4', 'MXFP4'],
  ['spqr', 'SpQR'],
  ['vptq', 'VPTQ'],
]);

/** Fields that only one method's settings have, for those that do not name it. */
const signs: readonly (readonly [field: RegExp, method: string])[] = [
  [/^_?load_in_[48]bit$|^bnb_/, 'bitsandbytes'],
  [/^w_bit$|^q_group_size$/, 'AWQ'],
  [/^desc_act$|^damp_percent$/, 'GPTQ'],
  [/^config_groups$/, 'compressed-tensors'],
  [/^quant_algo$/, 'ModelOpt'],
  [/^group_size$/, 'MLX'],
];

/** Ends of the names of tensors that methods add, or put in place of a weight. */
const tensors: readonly (readonly [name: RegExp, method: string])[] = [
  [/\.(qweight|qzeros|g_idx)$/, 'GPTQ or AWQ'],
  [/\.weight\.(absmax|quant_map|quant_state\.\w+)$|\.SCB$/, 'bitsandbytes'],
  [/\.weight_packed$/, 'compressed-tensors'],
  [/\.weight_scale(_inv)?$/, 'FP8'],
  [/_blocks$/, 'MXFP4'],
  [/\.W_q$/, 'HQQ'],
  [/\.codebooks$/, 'AQLM'],
  [/\.scales$/, 'MLX'],
];

/** The field with the settings. */
export function fieldOf(config: JsonObject): string {
  return quantizationFields.find((name) => isGiven(config[name])) ?? '';
}

/** How people call the method of some settings; undefined where these do not say. */
export function methodIn(settings: unknown): string | undefined {
  const given = isObject(settings) ? settings['quant_method'] : settings;
  if (typeof given === 'string') return methods.get(given) ?? given;
  const fields = isObject(settings) ? Object.keys(settings) : [];
  return signs.find(([sign]) => fields.some((name) => sign.test(name)))?.[1];
}

/** The error of a config.json with settings of a quantization. */
export function quantizedConfig(config: JsonObject, file: string): TransformerError {
  const field = fieldOf(config);
  const settings = config[field];
  const method = methodIn(settings);
  return refusal(
    `${file}: "${field}" is ${show(settings)}: the weights are quantized` +
      (method === undefined ? '' : `, with ${method}`),
  );
}

/** The error of a checkpoint that has none of the tensors that its settings speak of. */
export function quantizedWithout(
  { fields, file }: Pick<Config, 'fields' | 'file'>,
  method: string,
): TransformerError {
  const field = fieldOf(fields);
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${file}: "${field}" is ${show(fields[field])}, but no tensor is quantized with ${method}. Rounding as such ` +
      "settings ask for is not supported: leave them out, and pass dtype: 'int8' or 'int4' instead.",
  );
}

/** The error of a checkpoint whose tensors show that it is quantized; undefined where none does. */
export function quantizedTensors(names: Iterable<string>): TransformerError | undefined {
  for (const name of names) {
    const method = tensors.find(([sign]) => sign.test(name))?.[1];
    if (method !== undefined) {
      return refusal(`Tensor "${name}" is one of ${method}: the weights are quantized`);
    }
  }
  return undefined;
}

function refusal(what: string): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    `${what}, which is not supported. Load the checkpoint that it was made from, in F32, F16 or BF16.`,
  );
}
