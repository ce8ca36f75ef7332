// What sentence-transformers notes beside a checkpoint for embeddings and for ranking alike: lengths,
// case, prompts. Settings that would change results and are not computed are refused.

import { unsupported } from '../../model/sentence-modules.ts';
import { isObject, type JsonObject, show } from '../../source/json.ts';
import { notAmong } from '../task.ts';
import { readJson, type Source } from '../../source/source.ts';

export interface SentenceSettings {
  /** Tokens that count of a text, where the checkpoint says so. */
  readonly maxLength: number | undefined;
  readonly lowerCase: boolean;
  readonly prompts: Readonly<Record<string, string>>;
  /** The name of the one that stands before each text. */
  readonly promptName: string | undefined;
  /** How each kind of input is read, where the checkpoint says so. */
  readonly modalities: JsonObject | undefined;
  /** What a chat template is given besides the messages, of language models. */
  readonly chat: JsonObject | undefined;
  /** config_sentence_transformers.json. */
  readonly general: JsonObject;
}

/** Options of loading that change no result. */
const harmless =
  /^(trust_remote_code|(torch_)?dtype|attn_implementation|device_map|use_safetensors)$/;

/** `task` is what the model itself must be made for. Errors: MODEL_UNSUPPORTED. */
export async function readSentenceSettings(
  files: Source,
  task: string,
  signal: AbortSignal | undefined,
): Promise<SentenceSettings> {
  const read = async (file: string): Promise<JsonObject> => {
    const value = await readJson(files, file, { signal });
    return isObject(value) ? value : {};
  };
  const [settings, general] = await Promise.all([
    read('sentence_bert_config.json'),
    read('config_sentence_transformers.json'),
  ]);
  const { transformer_task: made = task, modality_config: modalities } = settings;
  if (made !== task) throw unsupported(files, `transformer_task is ${show(made)}, not ${task}`);
  const ways = isObject(modalities) ? modalities : undefined;
  const way = ways?.['text'] ?? (task === 'text-generation' ? ways?.['message'] : undefined);
  if (modalities !== undefined && !isObject(way)) throw unsupported(files, 'it reads no texts');
  const { method = 'forward', method_output_name: output } = isObject(way) ? way : {};
  const usual = task === 'feature-extraction' ? 'last_hidden_state' : 'logits';
  if (method !== 'forward' || (output ?? usual) !== usual) {
    throw unsupported(files, `it takes ${show(output ?? null)} from ${show(method)}`);
  }
  const { processing_kwargs: processing } = settings;
  const template = isObject(processing) ? processing['chat_template'] : undefined;
  const chat = task === 'text-generation' && isObject(template) ? template : undefined;
  for (const [name, value] of Object.entries(settings)) {
    const keys = Object.keys(isObject(value) ? value : {}).filter(
      (key) => chat === undefined || key !== 'chat_template',
    );
    if (!/_(args|kwargs)$/.test(name) || keys.every((key) => harmless.test(key))) continue;
    throw unsupported(files, `${name} has ${keys.join(', ')}`);
  }
  const { prompts, default_prompt_name: promptName } = general;
  const named = Object.entries(isObject(prompts) ? prompts : {});
  const { max_seq_length: maxLength } = settings;
  return {
    maxLength: typeof maxLength === 'number' ? maxLength : undefined,
    lowerCase: settings['do_lower_case'] === true,
    prompts: Object.fromEntries(
      named.map(([name, text]) => [name, typeof text === 'string' ? text : '']),
    ),
    promptName: typeof promptName === 'string' ? promptName : undefined,
    modalities: ways,
    chat,
    general,
  };
}

/** Prompts by their names, and the name of the one that stands before each text. */
export type Prompts = Pick<SentenceSettings, 'prompts' | 'promptName'>;

/**
 * The prompt of a call: as it is given, by its name, or the checkpoint's own. `further`: names that have none
 * where the checkpoint gives none. @throws TransformerError OPTION_INVALID
 */
export function promptOf(
  { prompts, promptName: own }: Prompts,
  { prompt, promptName }: { readonly prompt?: string; readonly promptName?: string },
  further: readonly string[] = [],
): string {
  if (prompt !== undefined) return prompt;
  if (promptName === undefined) return prompts[own ?? ''] ?? '';
  // Every checkpoint has these two, if only empty ones.
  const unsaid = Object.fromEntries(['query', 'document', ...further].map((name) => [name, '']));
  const known: Readonly<Record<string, string>> = { ...unsaid, ...prompts };
  if (Object.hasOwn(known, promptName)) return known[promptName] ?? '';
  throw notAmong('promptName', promptName, Object.keys(known));
}

/** Lower case as tokenizers have it, character by character. */
export function lowerCase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join('');
}
