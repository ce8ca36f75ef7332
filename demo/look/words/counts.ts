// Numbers with their nouns, which every language inflects by rules of its own.

type Noun = 'token' | 'layer' | 'head';

/** A noun for one, and for any other number. */
type Forms = readonly [one: string, other: string];

/** Has a language count: "1 layer", "4 layers". */
export function countsIn(
  language: string,
  nouns: Readonly<Record<Noun, Forms>>,
): (count: number, noun: Noun) => string {
  const rules = new Intl.PluralRules(language);
  return (count, noun) => {
    const [one, other] = nouns[noun];
    return `${count} ${rules.select(count) === 'one' ? one : other}`;
  };
}
