// The reference of webgpu-transformer/jobs.
export * from '../../src/jobs/index.ts';
