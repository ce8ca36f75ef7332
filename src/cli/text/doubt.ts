// The warning of a text that a translator was not made for. It concerns the result, so that --quiet does not silence it.

import type { Translation, TranslationPipeline } from '../../index.node.ts';

/** Says so on stderr where the tokenizer has no token for parts of the text, or the model knows that it is unsure. */
export function warnOfDoubt(
  translator: TranslationPipeline,
  text: string,
  { translationText, score = 1 }: Translation,
): void {
  const warn = (reason: string): void => {
    const told = translationText === '' ? 'it has no translation' : 'do not trust the translation';
    console.error(`${reason}, so this text is outside of its field; ${told}.`);
  };
  const parts = translator.unknownParts(text);
  const isCalibrated = translator.model.config['score_calibration'] !== undefined;
  if (parts.length > 0) {
    const list = parts.map((part) => `«${part}»`).join(' ');
    warn(`The model has no token for ${list}`);
  } else if (isCalibrated && score < 0.5) {
    warn(`The model gives «${text}» a score of ${score.toFixed(2)}`);
  }
}
