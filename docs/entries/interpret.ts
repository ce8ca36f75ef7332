// The reference of webgpu-transformer/interpret.
export * from '../../src/interpret/index.ts';
