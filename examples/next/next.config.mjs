export default { serverExternalPackages: ['webgpu', 'webgpu-transformer'] };
