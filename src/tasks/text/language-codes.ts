// The languages that M2M-100, NLLB and mBART have tokens for: a source stands beside its own, a target begins with its own.

import { TransformerError } from '../../runtime/errors.ts';
import { notAmong, type TaskParts } from '../task.ts';

/** Of M2M-100, mBART and NLLB; what is in brackets is the code. */
const forms = [/^__([a-z]{2,3})__$/, /^([a-z]{2}_[A-Z]{2})$/, /^([a-z]{3}_[A-Z][a-z]{3})$/];

export interface LanguageCodes {
  /** All there are, such as `fra_Latn`, `fr_XX` or `fr`, as the checkpoint writes them. */
  readonly languages: readonly string[];
  /** The token that a target in a language begins with. @throws TransformerError OPTION_INVALID */
  targetToken(to: string | undefined): number;
  /** A text's ids, with the token of the language that it is in. @throws TransformerError OPTION_INVALID */
  fromLanguage(ids: readonly number[], from: string): number[];
}

/** Undefined for checkpoints that know no languages, or know them otherwise. */
export function languageCodes({ model, tokenizer }: TaskParts): LanguageCodes | undefined {
  if (!['m2m_100', 'mbart'].includes(String(model.config['model_type']))) return undefined;
  const tokens = new Map<string, number>();
  for (const token of tokenizer.vocabulary()) {
    const code = forms.map((form) => form.exec(token)?.[1]).find((found) => found !== undefined);
    if (code === undefined) continue;
    const [id, ...more] = tokenizer.encode(token, undefined, { addSpecialTokens: false });
    if (id !== undefined && more.length === 0) tokens.set(code, id);
  }
  if (tokens.size === 0) return undefined;
  const languages = [...tokens.keys()].toSorted();
  const tokenOf = (name: 'to' | 'from', code: string | undefined): number => {
    const token = code === undefined ? undefined : tokens.get(code);
    if (token === undefined) throw notAmong(name, code, languages);
    return token;
  };
  return {
    languages,
    targetToken: (to) => tokenOf('to', to),
    fromLanguage(ids, from) {
      const token = tokenOf('from', from);
      // It stands before the text or behind its end, and nowhere else.
      const known = new Set(tokens.values());
      const place = [0, ids.length - 1].find((index) => known.has(ids[index] ?? -1));
      if (place !== undefined) return ids.with(place, token);
      throw new TransformerError(
        'OPTION_INVALID',
        'tokenizer.json puts no language beside a text, so "from" says nothing here. Leave it out.',
      );
    },
  };
}
