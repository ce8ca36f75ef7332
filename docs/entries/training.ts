// The reference of webgpu-transformer/training.
export * from '../../src/training/index.ts';
