// Intl's formatters, each made once, and texts as the tokenizers normalize them.

export type Language = 'de' | 'en' | 'es' | 'fr' | 'it' | 'ja' | 'pt' | 'zh';

/** No-break, figure and thin spaces, which a person types as plain ones. */
export const specialSpaces = '[\u00a0\u2007\u2009\u202f]';
const anySpecialSpace = new RegExp(specialSpaces, 'g');

/** Text as the tokenizers normalize it: plain spaces, NFC. */
export function plain(text: string): string {
  return text.replaceAll(anySpecialSpace, ' ').normalize('NFC');
}

// A formatter takes about as long to make as a hundred phrases to format, so each is made once.
export const dateFormat: Formats<Intl.DateTimeFormatOptions, Intl.DateTimeFormat> = remembered(
  (language, options) => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }),
);
export const numberFormat: Formats<Intl.NumberFormatOptions, Intl.NumberFormat> = remembered(
  (language, options) => new Intl.NumberFormat(language, options),
);
export const relativeFormat: Formats<Intl.RelativeTimeFormatOptions, Intl.RelativeTimeFormat> =
  remembered((language, options) => new Intl.RelativeTimeFormat(language, options));
export const listFormat: Formats<Intl.ListFormatOptions, Intl.ListFormat> = remembered(
  (language, options) => new Intl.ListFormat(language, options),
);

type Formats<Options, Format> = (language: Language, options: Options) => Format;

/** `make`, which runs once for each language and each object of options. */
function remembered<Options, Format>(make: Formats<Options, Format>): Formats<Options, Format> {
  const made = new Map<string, Format>();
  return (language, options) => {
    const key = language + JSON.stringify(options);
    const format = made.get(key) ?? make(language, options);
    made.set(key, format);
    return format;
  };
}
