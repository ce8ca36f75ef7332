// What the text of speech begins with ("Robust Speech Recognition via Large-Scale Weak Supervision", Radford et al., 2022,
// §2.3): the language, the task, and whether there are time stamps.

import { TransformerError } from '../../runtime/errors.ts';
import { languageCodes } from './languages.ts';
import { languageToken, type SpeechSettings, type SpeechTokens } from './speech-options.ts';

/**
 * The tokens of each input. `hear`: the tokens of the languages that are spoken, asked where nothing says.
 * @throws TransformerError OPTION_INVALID for a language or task that the model does not know
 */
export async function initialTokens(
  tokens: SpeechTokens,
  {
    languages,
    task,
    timestamps,
  }: Pick<SpeechSettings, 'languages' | 'task'> & {
    readonly timestamps: boolean;
  },
  hear: () => Promise<readonly number[]>,
): Promise<number[][]> {
  const isAsked = languages.some((language) => language !== undefined);
  if (tokens.isEnglish && (isAsked || task !== undefined)) {
    throw new TransformerError(
      'OPTION_INVALID',
      'This model hears English alone, which it writes down: leave language and task out, or load a multilingual one.',
    );
  }
  const known = required(tokens.languages, 'lang_to_id', isAsked);
  const tasks = required(tokens.tasks, 'task_to_id', task !== undefined);
  const forced = isAsked || task !== undefined ? [] : tokens.forced;
  // A place of null is for the language.
  const isOpen = forced.length === 0 || forced[0] === null;
  const heard = !isAsked && known !== undefined && isOpen ? await hear() : undefined;
  const taskToken =
    task !== undefined ? tasks?.get(task) : isAsked ? tasks?.get('transcribe') : undefined;
  if (task !== undefined && taskToken === undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      `task is '${task}', but this model knows ${[...(tasks?.keys() ?? [])].join(' and ')}.`,
    );
  }
  return languages.map((language, row) => {
    const spoken =
      language !== undefined && known !== undefined
        ? languageToken(language, known, languageCodes)
        : heard?.[row];
    const rest = isOpen ? [spoken, ...forced.slice(1)] : forced;
    const all = [tokens.start, ...rest, taskToken].filter((id) => id !== undefined && id !== null);
    const isLast = tokens.noTimestamps !== undefined && all.at(-1) === tokens.noTimestamps;
    if (timestamps) return isLast ? all.slice(0, -1) : all;
    return tokens.noTimestamps === undefined || isLast ? all : [...all, tokens.noTimestamps];
  });
}

function required(
  ids: ReadonlyMap<string, number> | undefined,
  field: string,
  isNeeded: boolean,
): ReadonlyMap<string, number> | undefined {
  if (ids !== undefined || !isNeeded) return ids;
  throw new TransformerError(
    'OPTION_INVALID',
    `generation_config.json has no "${field}", by which languages and tasks are chosen. Take the file of a later release of ` +
      'this model, or leave language and task out.',
  );
}
