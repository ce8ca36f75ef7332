// Labels of each step of a sound as text: what repeats counts once, what is blank not at all ("Connectionist temporal
// classification", Graves et al., 2006, §3.1).

/** What labels mean, as the tokenizer's files say. */
export interface CtcVocabulary {
  /** The blank label. */
  readonly pad: string;
  /** The label between words, and what stands for it in texts. */
  readonly delimiter: string;
  readonly space: string;
  readonly lowers: boolean;
}

/** A label, or a word, and the steps that it takes, `end` exclusive. */
export interface TimedLabel {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The labels that are left of those of each step, in their order. */
export function collapse(
  steps: readonly string[],
  { pad, delimiter, space }: CtcVocabulary,
): TimedLabel[] {
  const labels: TimedLabel[] = [];
  let start = 0;
  for (const [step, text] of steps.entries()) {
    if (text === steps[step + 1]) continue;
    const end = step + 1;
    if (text !== pad) labels.push({ text: text === delimiter ? space : text, start, end });
    start = end;
  }
  return labels;
}

export function ctcText(labels: readonly TimedLabel[], { lowers }: CtcVocabulary): string {
  const text = labels
    .map((label) => label.text)
    .join('')
    .trim();
  return lowers ? text.toLowerCase() : text;
}

/** The words between spaces, as `Wav2Vec2CTCTokenizer` has them: a space at the start begins the first. */
export function ctcWords(
  labels: readonly TimedLabel[],
  { space }: Pick<CtcVocabulary, 'space'>,
): TimedLabel[] {
  const words: TimedLabel[] = [];
  let word: TimedLabel = { text: '', start: 0, end: 0 };
  let isWord = false;
  for (const label of labels) {
    const goesOn = (label.text !== space) === isWord;
    if (goesOn) word = { ...word, text: word.text + label.text, end: label.end };
    else if (isWord) words.push(word);
    else word = label;
    isWord = label.text !== space;
  }
  return isWord ? [...words, word] : words;
}
