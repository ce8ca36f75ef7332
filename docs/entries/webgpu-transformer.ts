// The reference of the package's main entry, as Node has it.
export * from '../../src/index.node.ts';
