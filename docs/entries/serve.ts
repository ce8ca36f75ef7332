// The reference of webgpu-transformer/serve.
export * from '../../src/serve/index.ts';
