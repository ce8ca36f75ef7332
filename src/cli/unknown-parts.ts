// The warning of a text that a translator cannot read as a whole. It concerns the result, so that
// --quiet does not silence it.

import type { TranslationPipeline } from '../index.node.ts';

/** Says so on stderr where the tokenizer has no token for parts of the text. */
export function warnOfUnknown(translator: TranslationPipeline, text: string): void {
  const parts = translator.unknownParts(text);
  if (parts.length === 0) return;
  const list = parts.map((part) => `«${part}»`).join(' ');
  console.error(
    `The model has no token for ${list}, so this text is outside of its field; do not trust the ` +
      'translation.',
  );
}
