import { expect, test } from 'vitest';
import { elements, Tensor } from '../../src/runtime/tensor.ts';
import { expectError } from '../support/safetensors.ts';

test('a tensor knows its axes and its bytes', () => {
  const tensor = new Tensor({ label: 'x', shape: [2, 3, 5], dtype: 'f32' });
  expect([0, 1, 2, -1, -2, -3].map((axis) => tensor.size(axis))).toEqual([2, 3, 5, 5, 3, 2]);
  expect([tensor.pitch, tensor.byteLength]).toEqual([5, 120]);
  expect(tensor.describe()).toBe('x f32(2, 3, 5)');
  expect([elements([2, 3, 5]), elements([]), elements([4, 0])]).toEqual([30, 1, 0]);
});

test('rows of a pitch, odd counts of 2-byte elements and empty tensors occupy whole words', () => {
  const bytes = (shape: number[], dtype: 'f16' | 'f32' | 'bf16', pitch?: number): number =>
    new Tensor({ label: '', shape, dtype, ...(pitch !== undefined && { pitch }) }).byteLength;
  expect(bytes([3, 5], 'f16', 8)).toBe(48);
  expect(bytes([3, 5], 'bf16')).toBe(32);
  expect(bytes([], 'f32')).toBe(4);
  expect(bytes([0, 7], 'f32')).toBe(4);
  expect(bytes([3, 0], 'f32')).toBe(4);
});

test('a tensor outside any recording says so', async () => {
  const weight = new Tensor({ label: 'weight', shape: [2], dtype: 'f32' });
  expect(weight.isRecorded).toBe(false);
  await expectError(() => weight.recording, 'INPUT_INVALID', 'weight', 'recording.use');
});
