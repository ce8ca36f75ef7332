import { expect, test } from 'vitest';
import {
  abortError,
  nearestName,
  refuseUnknown,
  throwIfAborted,
  TransformerError,
} from '../../src/runtime/errors.ts';

const options = ['maxNewTokens', 'numBeams', 'topK', 'topP', 'temperature', 'seed', 'signal'];

test('the nearest name is found in spite of case, underscores and slips', () => {
  expect(nearestName('max_new_tokens', options)).toBe('maxNewTokens');
  expect(nearestName('num-beams', options)).toBe('numBeams');
  expect(nearestName('topp', options)).toBe('topP');
  expect(nearestName('top_k', options)).toBe('topK');
  expect(nearestName('temprature', options)).toBe('temperature');
  expect(nearestName('maxTokens', options)).toBe('maxNewTokens');
  expect(nearestName('colour', options)).toBeUndefined();
  expect(nearestName('anything', [])).toBeUndefined();
});

test('unknown keys are refused with the nearest name, or all names', () => {
  expect(() =>
    refuseUnknown({ seed: 1, topK: undefined, other: undefined }, options, ''),
  ).not.toThrow();
  const refusal = (given: object): TransformerError => {
    try {
      refuseUnknown(given, options, 'option of generate');
    } catch (error) {
      return error as TransformerError;
    }
    throw new Error('nothing was refused');
  };
  expect(refusal({ top_p: 0.9 }).message).toBe(
    'Unknown option of generate: "top_p". Did you mean "topP"?',
  );
  expect(refusal({ top_p: 0.9 }).code).toBe('OPTION_UNKNOWN');
  expect(refusal({ colour: 1 }).message).toContain('Known: maxNewTokens, numBeams,');
});

test('a cancelled call has the name and the cause that programs look for', () => {
  const controller = new AbortController();
  expect(() => throwIfAborted(controller.signal)).not.toThrow();
  expect(() => throwIfAborted(undefined)).not.toThrow();
  controller.abort('enough');
  const error = abortError(controller.signal);
  expect(error).toBeInstanceOf(TransformerError);
  expect([error.name, error.code, error.cause]).toEqual(['AbortError', 'ABORTED', 'enough']);
  expect(() => throwIfAborted(controller.signal)).toThrow('aborted');
});
