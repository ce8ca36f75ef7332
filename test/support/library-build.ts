// What the build of the library shares with the test of its size.

import path from 'node:path';
import type { Plugin, Rolldown } from 'vite';

/** Drops comments and indentation from inlined WGSL; lines stay, so that errors still name them. */
export const compactWgsl: Plugin = {
  name: 'compact-wgsl',
  apply: 'build' as const,
  enforce: 'pre' as const,
  transform: {
    filter: { id: /\.wgsl\?raw$/ },
    handler(code: string): { code: string; map: null } {
      const bare = code.replaceAll(/ *\/\/[^\n]*?(?=\\n)/g, '').replaceAll(/\\n +/g, '\\n');
      return { code: bare, map: null };
    },
  },
};

/**
 * A module stands in one file only, so that entries share classes. A group takes what its
 * modules import with it, unless a group before it has that: first what every program
 * loads; then what parts that are loaded with the first need have in common. Those with
 * side effects (`node` registers the search for adapters, `training` what makes training
 * heads) are listed in package.json.
 */
export const groups: Rolldown.CodeSplittingGroup[] = [
  { name: 'errors', test: /\/src\/runtime\/errors\.ts/ },
  { name: 'library', test: /\/src\/(index|tasks\/pipeline)\.ts/ },
  {
    name: 'layers',
    test: /\/src\/(runtime\/|model\/(attention|logits|generator|token-inputs|model|residual|stretched-rotary|embeddings|training-head|padding)\.ts)/,
  },
  {
    name: 'models',
    test: /\/src\/model\/(bart-layers|positional-encoding|causal-head)\.ts/,
  },
  { name: 'sequence-model', test: /\/src\/model\/sequence-model\.ts/ },
  { name: 'encoder', test: /\/src\/model\/encoder\.ts/ },
  { name: 'sequence-plan', test: /\/src\/model\/sequence-plan\.ts/ },
  { name: 'bert-layers', test: /\/src\/model\/bert-layers\.ts/ },
  { name: 'decoder', test: /\/src\/model\/(decoder|option-reader)\.ts/ },
  { name: 'encoder-decoder', test: /\/src\/model\/encoder-decoder\.ts/ },
  {
    name: 'generation',
    test: /\/src\/model\/(generation|generation-steps|prompt-plan)\.ts/,
  },
  { name: 'remote', test: /\/src\/source\/(hub-source|cached-source|cache-store)\.ts/ },
  { name: 'tokenizer', test: /\/src\/tasks\/tokenizer\.ts/ },
  { name: 'llama', test: /\/src\/model\/llama\.ts/ },
  { name: 'torch-transformer', test: /\/src\/model\/torch-transformer\.ts/ },
  { name: 'shaders-gpu', test: /\/shaders\/(attention-tile|matmul-(tile|skinny))\.wgsl/ },
  {
    name: 'shaders-software',
    test: /\/shaders\/(attention|matmul)-(block|register|subgroup|subgroup-skinny)\.wgsl/,
  },
  {
    name: 'shaders-rules',
    test: /\/shaders\/(log-softmax|sequence-bias|token-history|warp)\.wgsl/,
  },
  {
    name: 'shaders-seldom',
    test: /\/shaders\/(attention-weights|cross-entropy|dropout)\.wgsl/,
  },
  {
    name: (id: string) => path.basename(id, '.ts'),
    debugName: 'a module alone',
    test: /\/src\/((model|source)\/|shaders\/beam\.ts)/,
  },
  { name: 'training', test: /\/src\/(training|phrases|shaders)\// },
  { name: 'node', test: /\/src\/(node\/|index\.node)/ },
].map((group, index, { length }) => ({ ...group, priority: length - index }));
