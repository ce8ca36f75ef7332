// What a handler is made with.

import { fieldsOf, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import { type Limits, usualLimits } from './limits.ts';
import type { ServedPipeline } from './models.ts';

/** A line of the log: one for each request, when its answer has ended. */
export interface LogEntry {
  /** When it ended, as ISO 8601 has it. */
  readonly time: string;
  /** The same number stands in the header `x-request-id`. */
  readonly id: string;
  /** Of the request. */
  readonly method: string;
  /** Of the request, without what stands behind a question mark. */
  readonly path: string;
  /** Of the answer; of a stream that failed, the status that the failure would have had before it began. */
  readonly status: number;
  /** Milliseconds from the request to the end of its answer. */
  readonly duration: number;
  /** The name of the model. */
  readonly model?: string;
  /** Tokens that were read. */
  readonly promptTokens?: number;
  /** Tokens that were generated. */
  readonly completionTokens?: number;
  /** Milliseconds from the request to its first token. */
  readonly firstTokenAfter?: number;
  /** What went wrong: the code that the client was told, and of the server's own failures the message. */
  readonly error?: string;
  /** What was asked, with `logPrompts` alone. */
  readonly prompt?: unknown;
}

/** What a handler is made with. */
export interface HandlerOptions {
  /**
   * What is served, by the names that requests call it: pipelines of text-generation, text2text-generation,
   * embeddings, text-ranking and automatic-speech-recognition. They stay the caller's, to dispose of.
   */
  models: Readonly<Record<string, ServedPipeline>>;
  /** Keys, one of which requests must bring as a bearer token; none are asked for when absent. */
  apiKeys?: readonly string[];
  /** Origins of pages that may ask, or `'*'` for all; none but the handler's own when absent. */
  cors?: '*' | readonly string[];
  /** What stands before `/v1` in the paths of requests; nothing when absent. */
  basePath?: string;
  /** How much requests may ask for. */
  limits?: Partial<Limits>;
  /** Called with a line of the log for each request. */
  log?: (entry: LogEntry) => void;
  /** Whether the log has what was asked. Default false. */
  logPrompts?: boolean;
}

/** The options, checked. */
export interface CheckedOptions {
  readonly models: readonly (readonly [string, unknown])[];
  readonly apiKeys: readonly string[];
  readonly cors: '*' | readonly string[];
  readonly basePath: string;
  readonly limits: Limits;
  readonly log: ((entry: LogEntry) => void) | undefined;
  readonly logPrompts: boolean;
}

const known = ['models', 'apiKeys', 'cors', 'basePath', 'limits', 'log', 'logPrompts'];

/** Errors: OPTION_*, INPUT_INVALID. */
export function checkedOptions(options: HandlerOptions): CheckedOptions {
  refuseUnknown(options, known, 'option of createHandler');
  const {
    models,
    apiKeys = [],
    cors = [],
    basePath = '',
    log,
    logPrompts = false,
    limits = {},
  } = options;
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  const checks: readonly (readonly [string, unknown, boolean, string])[] = [
    ['apiKeys', '(not shown)', isListOf(apiKeys, isKey), 'a list of texts without spaces'],
    ['cors', cors, cors === '*' || isListOf(cors, isText), "'*' or a list of origins"],
    [
      'basePath',
      basePath,
      typeof basePath === 'string' && /^(\/[^/?#]+)*$/.test(basePath),
      "'' or a path such as '/api'",
    ],
    ['log', log, log === undefined || typeof log === 'function', 'a function'],
    ['logPrompts', logPrompts, typeof logPrompts === 'boolean', 'true or false'],
  ];
  for (const [name, value, fits, wanted] of checks) {
    if (fits) continue;
    throw new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
  }
  return {
    models: fieldsOf(models, 'The object of models'),
    apiKeys,
    cors,
    basePath,
    limits: checkedLimits(limits),
    log,
    logPrompts,
  };
}

const isKey = (value: unknown): value is string => typeof value === 'string' && /^\S+$/.test(value);

function checkedLimits(given: Partial<Limits>): Limits {
  refuseUnknown(given, Object.keys(usualLimits), 'limit of createHandler');
  const limits = { ...usualLimits };
  for (const name of Object.keys(usualLimits) as (keyof Limits)[]) {
    const { [name]: value = limits[name] } = given;
    const least = name === 'waiting' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1) {
      throw new TransformerError(
        'OPTION_INVALID',
        `limits.${name} is ${show(value)}; wanted a whole number of at least ${least}.`,
      );
    }
    limits[name] = value;
  }
  return limits;
}
