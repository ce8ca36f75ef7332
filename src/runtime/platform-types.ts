// Types of browsers and Node that a program may or may not have declared. Naming them plainly would
// break the programs that lack them, and bringing them along would clash in those that have others.

/**
 * The type of a global class, as the libraries of the program declare it: TypeScript's own since 6 or
 * @webgpu/types for WebGPU, `dom` for files. `Otherwise` where none does.
 */
export type Platform<Name extends string, Otherwise = never> =
  typeof globalThis extends Readonly<Record<Name, { prototype: infer Type }>> ? Type : Otherwise;

/** WebGPU's `GPUDevice`; without types for WebGPU what tells a device from other things. */
export type Device = Platform<
  'GPUDevice',
  { readonly features: object; readonly limits: object; readonly queue: object; destroy(): void }
>;
