// Conversations as the text that a model was trained on: the checkpoint's own Jinja template. This
// file and the template engine are loaded with the first conversation: only chats pay for them.

import { isObject, type JsonObject, show } from '../source/json.ts';
import { describeFile, readFile, readJson, type Source } from '../source/source.ts';
import {
  fieldOf,
  fieldsOf,
  nearestName,
  refuseUnknown,
  TransformerError,
} from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { OverBudget } from './chat-budget.ts';
import { renderTemplate } from './chat-render.ts';

/** A turn of a conversation. Templates may read further keys, such as `tool_calls`. */
export interface ChatMessage {
  /** Who says it: `system`, `user`, `assistant` or `tool`, as the template knows them. */
  readonly role: string;
  /** What is said: a text, or what the template reads in its place. */
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

/** What a chat template reads besides the messages. */
export interface ChatOptions {
  /** Whether the text ends where the model's answer begins. Default false. */
  addGenerationPrompt?: boolean;
  /** Whether the text ends where the last message does, for the model to go on with it. Default false. */
  continueFinalMessage?: boolean;
  /** Tools the model may call, as JSON schemas of functions. */
  tools?: readonly object[];
  /** Documents to answer from. */
  documents?: readonly object[];
  /** Which of a checkpoint's named templates; by default `tool_use` with tools, else `default`. */
  template?: string;
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
  /** What is made of the template before it is read, see turn-marks.ts. @internal */
  markTurns?: (template: string) => string;
}

/** The templates of a checkpoint, by name. */
export interface ChatTemplates {
  /** Those of chat_template.jinja, else of tokenizer_config.json, else of chat_template.json. */
  readonly own: ReadonlyMap<string, string>;
  /** The file of `own`, for messages. */
  readonly file: string;
  /** One of `additional_chat_templates`, which come before. */
  readonly further: (name: string) => Promise<string | undefined>;
}

/** Reads the templates of a checkpoint. Errors: FILE_NOT_FOUND where there is none. */
export async function readChatTemplates(files: Source, config: JsonObject): Promise<ChatTemplates> {
  const read = async (file: string): Promise<string | undefined> => {
    const bytes = await readFile(files, file);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };
  let from = 'chat_template.jinja';
  let given: unknown = await read(from);
  if (given === undefined) {
    from = 'tokenizer_config.json';
    given = config['chat_template'];
  }
  if (given === undefined || given === null) {
    from = 'chat_template.json';
    const json = await readJson(files, 'chat_template.json');
    given = isObject(json) ? json['chat_template'] : undefined;
  }
  const named: unknown[] = Array.isArray(given) ? given : [{ name: 'default', template: given }];
  const own = new Map<string, string>();
  for (const entry of named) {
    const template = isObject(entry) ? entry['template'] : undefined;
    if (isObject(entry) && typeof template === 'string') own.set(String(entry['name']), template);
  }
  const found = new Map<string, Promise<string | undefined>>();
  const further = (name: string): Promise<string | undefined> => {
    const file = found.get(name) ?? read(`additional_chat_templates/${name}.jinja`);
    found.set(name, file);
    return file;
  };
  if (own.size > 0) return { own, further, file: describeFile(files, from) };
  throw new TransformerError(
    'FILE_NOT_FOUND',
    `There is no chat_template.jinja, and ${describeFile(files, 'tokenizer_config.json')} has no ` +
      'chat_template; this checkpoint was not made for conversations. Give a text instead.',
  );
}

/** The text of a conversation. `tokens` are the special tokens that templates may write. */
export async function renderChat(
  templates: ChatTemplates,
  messages: readonly ChatMessage[],
  options: ChatOptions,
  tokens: Readonly<Record<string, string>>,
): Promise<string> {
  const known = ['addGenerationPrompt', 'continueFinalMessage', 'tools', 'documents', 'template'];
  refuseUnknown(options, [...known, 'variables', 'markTurns'], 'option of applyChatTemplate');
  const wrong = Array.isArray(messages)
    ? Array.from<unknown>(messages).findIndex((one) => !isMessage(one))
    : 0;
  if (wrong >= 0 || messages.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `${wrong >= 0 ? `Message ${wrong} of the conversation has no role` : 'The conversation is empty'}; ` +
        "wanted an array of { role: 'user', content: '…' }.",
    );
  }
  const { addGenerationPrompt = false, continueFinalMessage = false } = options;
  const { tools, documents, variables, template, markTurns } = options;
  checkChatOptions(options);
  if (addGenerationPrompt && continueFinalMessage) {
    throw new TransformerError(
      'OPTION_INVALID',
      'addGenerationPrompt and continueFinalMessage exclude each other: the model begins a message, ' +
        'or goes on with the last one.',
    );
  }
  const chosen = await choose(templates, template, tools !== undefined);
  const source = markTurns?.(chosen) ?? chosen;
  let text: string;
  let begun: string | undefined;
  try {
    const turns = messages.map(normalized);
    begun = continueFinalMessage ? openEnd(turns) : undefined;
    const values = {
      ...tokens,
      messages: turns,
      add_generation_prompt: addGenerationPrompt,
      // Templates ask whether these are none, so they are always there.
      tools: tools ?? null,
      documents: documents ?? null,
      ...variables,
    };
    text = renderTemplate(source, values, messages.length);
  } catch (cause) {
    throw cause instanceof TransformerError ? cause : refusal(cause, templates.file);
  }
  return begun === undefined ? text : cutOpen(text, begun);
}

/** The error of a template that could not be rendered. */
function refusal(cause: unknown, file: string): TransformerError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = message.length > 500 ? `${message.slice(0, 499)}…` : message;
  // The engine's own bounds, where they come first: its stack, the length of a text.
  if (cause instanceof OverBudget || cause instanceof RangeError) {
    return new TransformerError(
      'LIMIT_EXCEEDED',
      `The chat template of ${file} ${cause instanceof OverBudget ? reason : `fails: ${reason}`}. ` +
        'Give a shorter conversation, or a template that takes less.',
      { cause },
    );
  }
  return new TransformerError(
    'INPUT_INVALID',
    `The checkpoint's chat template refuses this conversation: ${reason}. ` +
      'Check the roles, their order, whether content is a text or a list of parts, and the ' +
      'variables that the template reads.',
    { cause },
  );
}

/** Refuses options of wrong types. Errors: OPTION_INVALID. */
function checkChatOptions(options: ChatOptions): void {
  const { tools, documents, template, variables, markTurns, ...flags } = options;
  if (variables !== undefined) fieldsOf(variables, 'The object of variables');
  const isObjects = (list: unknown): boolean => isListOf(list, isObject);
  const checks: [string, unknown, boolean, string][] = [
    // Templates ask whether these are none.
    ['tools', tools ?? undefined, isObjects(tools), 'a list of objects'],
    ['documents', documents ?? undefined, isObjects(documents), 'a list of objects'],
    ['template', template, typeof template === 'string', 'the name of a template'],
    ['markTurns', markTurns, typeof markTurns === 'function', 'a function'],
    ...Object.entries(flags).map(([name, value]): [string, unknown, boolean, string] => [
      name,
      value,
      typeof value === 'boolean',
      'true or false',
    ]),
  ];
  for (const [name, value, fits, wanted] of checks) {
    if (fits || value === undefined) continue;
    throw new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
  }
}

/** A message as templates expect it: without keys that say nothing, reasoning under its usual name. */
function normalized(message: ChatMessage): Record<string, unknown> {
  const entries = Object.entries(message).filter(([, value]) => (value ?? undefined) !== undefined);
  const turn = structuredClone(Object.fromEntries(entries));
  const reasoning = turn['reasoning_content'] ?? turn['thinking'] ?? turn['reasoning'];
  if (reasoning === undefined) return turn;
  return { thinking: reasoning, ...turn, reasoning_content: reasoning };
}

/** Stands for the place where the last message goes on. */
const mark = 'THE-MODEL-GOES-ON-HERE ';

/** Marks the end of the last message's text, which is given back. */
function openEnd(turns: Record<string, unknown>[]): string {
  const last = turns.at(-1);
  const content = last?.['content'];
  if (last !== undefined && typeof content === 'string') {
    last['content'] = content + mark;
    return content;
  }
  const parts: unknown[] = Array.isArray(content) ? content : [];
  const part = parts.findLast((one) => isObject(one) && typeof one['text'] === 'string') as
    | Record<string, unknown>
    | undefined;
  if (part === undefined) {
    throw new TransformerError(
      'INPUT_INVALID',
      'The last message has no text to go on with; wanted a content, or parts with a text.',
    );
  }
  const text = String(part['text']);
  part['text'] = text + mark;
  return text;
}

/** The text up to the mark; where the template trims messages, so is the message. */
function cutOpen(text: string, begun: string): string {
  const at = text.lastIndexOf(mark.trim());
  if (at < 0 || !text.includes(begun.trim())) {
    throw new TransformerError(
      'INPUT_INVALID',
      "The checkpoint's chat template does not write the last message as it is, so the model " +
        'cannot go on with it. End the conversation with a message of the user.',
    );
  }
  const before = text.slice(0, at);
  return text.startsWith(mark, at) ? before : before.trimEnd();
}

function isMessage(value: unknown): boolean {
  return typeof fieldOf(value, 'role') === 'string';
}

/** The template of a name; else `tool_use` with tools where there is one, else `default`. */
async function choose(
  { own, further }: ChatTemplates,
  name: string | undefined,
  hasTools: boolean,
): Promise<string> {
  const find = async (wanted: string): Promise<string | undefined> =>
    (/^[\w.-]+$/.test(wanted) ? await further(wanted) : undefined) ?? own.get(wanted);
  if (name === undefined) {
    const forTools = hasTools ? await find('tool_use') : undefined;
    const template = forTools ?? own.get('default');
    if (template !== undefined) return template;
  } else {
    const template = await find(name);
    if (template !== undefined) return template;
  }
  const names = [...own.keys()];
  const nearest = nearestName(name ?? 'default', names);
  throw new TransformerError(
    'OPTION_INVALID',
    `There is no chat template "${name ?? 'default'}"; there is ${names.join(', ')}, and what the ` +
      'folder additional_chat_templates has.' +
      (nearest === undefined ? '' : ` Did you mean "${nearest}"?`),
  );
}
