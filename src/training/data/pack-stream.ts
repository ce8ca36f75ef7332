// Documents of a stream end to end, cut into rows of one length, without holding more than a row and a document.

import { hasMethod, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { checkWhole } from '../check.ts';
import { checkExamples, type TokenExample } from './examples.ts';

/**
 * The rows of `packExamples`, as the examples come; the last may be shorter.
 * @throws TransformerError INPUT_INVALID, OPTION_INVALID, and what the examples throw
 */
export async function* packStream(
  examples: AsyncIterable<TokenExample> | Iterable<TokenExample>,
  length: number,
): AsyncGenerator<TokenExample, void, undefined> {
  checkWhole('length', length, 2);
  if (![Symbol.asyncIterator, Symbol.iterator].some((name) => hasMethod(examples, name))) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The examples are ${show(examples)}; wanted an iterable of { inputIds, labels }.`,
    );
  }
  let [inputIds, labels]: [number[], number[]] = [[], []];
  for await (const example of examples) {
    checkExamples([example]);
    inputIds = [...inputIds, ...example.inputIds];
    labels = [...labels, ...example.labels];
    let start = 0;
    for (; inputIds.length - start >= length; start += length) {
      const range = [start, start + length] as const;
      yield { inputIds: inputIds.slice(...range), labels: labels.slice(...range) };
    }
    [inputIds, labels] = [inputIds.slice(start), labels.slice(start)];
  }
  if (inputIds.length > 0) yield { inputIds, labels };
}
