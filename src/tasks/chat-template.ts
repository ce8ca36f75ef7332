// Conversations as the text that a model was trained on: the checkpoint's own Jinja template. This
// file and the template engine are loaded with the first conversation: only chats pay for them.

import { Template } from '@huggingface/jinja';
import { isObject, type JsonObject } from '../source/json.ts';
import { describeFile, readFile, type Source } from '../source/source.ts';
import { nearestName, refuseUnknown, TransformerError } from '../runtime/errors.ts';

/** A turn of a conversation. Templates may read further keys, such as `tool_calls`. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

export interface ChatOptions {
  /** Whether the text ends where the model's answer begins. Default false. */
  addGenerationPrompt?: boolean;
  /** Tools the model may call, as JSON schemas of functions. */
  tools?: readonly object[];
  /** Documents to answer from. */
  documents?: readonly object[];
  /** Which of a checkpoint's named templates; by default `tool_use` with tools, else `default`. */
  template?: string;
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
}

/** The templates of a checkpoint by name: chat_template.jinja, else those of tokenizer_config.json. */
export async function readChatTemplates(
  files: Source,
  config: JsonObject,
): Promise<ReadonlyMap<string, string>> {
  const bytes = await readFile(files, 'chat_template.jinja');
  const given = bytes === undefined ? config['chat_template'] : new TextDecoder().decode(bytes);
  const named: unknown[] = Array.isArray(given) ? given : [{ name: 'default', template: given }];
  const templates = new Map<string, string>();
  for (const entry of named) {
    const template = isObject(entry) ? entry['template'] : undefined;
    if (isObject(entry) && typeof template === 'string') {
      templates.set(String(entry['name']), template);
    }
  }
  if (templates.size > 0) return templates;
  throw new TransformerError(
    'FILE_NOT_FOUND',
    `There is no chat_template.jinja, and ${describeFile(files, 'tokenizer_config.json')} has no ` +
      'chat_template; this checkpoint was not made for conversations. Give a text instead.',
  );
}

/** The text of a conversation. `tokens` are the special tokens that templates may write. */
export function renderChat(
  templates: ReadonlyMap<string, string>,
  messages: readonly ChatMessage[],
  options: ChatOptions,
  tokens: Readonly<Record<string, string>>,
): string {
  const known = ['addGenerationPrompt', 'tools', 'documents', 'template', 'variables'];
  refuseUnknown(options, known, 'option of applyChatTemplate');
  const wrong = Array.isArray(messages) ? messages.findIndex((one) => !isMessage(one)) : 0;
  if (wrong >= 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `Message ${wrong} of the conversation has no role; wanted an array of ` +
        "{ role: 'user', content: '…' }.",
    );
  }
  const { addGenerationPrompt = false, tools, documents, variables } = options;
  const source = choose(templates, options.template, tools !== undefined);
  try {
    return new Template(source).render({
      ...tokens,
      messages: structuredClone(messages),
      add_generation_prompt: addGenerationPrompt,
      // Templates ask whether these are none, so they are always there.
      tools: tools ?? null,
      documents: documents ?? null,
      ...variables,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransformerError(
      'INPUT_INVALID',
      `The checkpoint's chat template refuses this conversation: ${reason}. ` +
        'Check the roles, their order, and the variables it reads.',
      { cause },
    );
  }
}

function isMessage(value: unknown): boolean {
  return isObject(value) && typeof value['role'] === 'string';
}

function choose(
  templates: ReadonlyMap<string, string>,
  name: string | undefined,
  tools: boolean,
): string {
  const only = templates.size === 1 && name === undefined ? [...templates.values()][0] : undefined;
  const wanted = name ?? (tools && templates.has('tool_use') ? 'tool_use' : 'default');
  const template = only ?? templates.get(wanted);
  if (template !== undefined) return template;
  const names = [...templates.keys()];
  const nearest = nearestName(wanted, names);
  throw new TransformerError(
    'OPTION_INVALID',
    `There is no chat template "${wanted}"; there is ${names.join(', ')}.` +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}
