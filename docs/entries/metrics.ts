// The reference of webgpu-transformer/metrics.
export * from '../../src/metrics/index.ts';
