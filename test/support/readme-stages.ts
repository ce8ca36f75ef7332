// Where the snippets of README.md run: what a reader has by then, and what stands for things that no test
// has. Nothing else of a snippet is changed.

export interface Stage {
  /** What the snippet is known by. */
  readonly has: string;
  /** What stands above the snippet. `stage` has fixtures of the tests (readme-helpers.ts). */
  readonly before?: string;
  /** Texts of the snippet, and what is run in their place. */
  readonly replaced?: readonly (readonly [string, string])[];
  readonly replacedIn?: {
    readonly node?: readonly (readonly [string, string])[];
    readonly chromium?: readonly (readonly [string, string])[];
  };
}

const device = `import { Gpu } from 'webgpu-transformer';
const gpu = await Gpu.request();`;
// A page names a model by its address.
const served = {
  chromium: [["'models/phrases'", "new URL('/models/phrases/', location.href)"]],
} as const;

export const stages: Readonly<Record<string, Stage>> = {
  'a first translation': {
    has: "pipeline('translation'",
    replacedIn: {
      chromium: [
        [
          "import.meta.resolve('webgpu-transformer/models/phrases/config.json')",
          "new URL('/models/phrases/config.json', location.href)",
        ],
      ],
    },
  },
  'a chat': {
    has: "pipeline('text-generation'",
    before: `${device}
import { pipeline } from 'webgpu-transformer';`,
    replaced: [
      ["dtype: 'f16' }", "dtype: 'f16', endpoint: await stage.hub() }"],
      // The tiny model has room for few tokens.
      ['maxNewTokens: 200', 'maxNewTokens: 5'],
    ],
  },
  'the model below': { has: 'model.generate({ inputIds }', before: device, replacedIn: served },
  'places of models': {
    has: 'hf:owner/name@revision',
    before: `${device}
import { loadModel, modelSize } from 'webgpu-transformer';
const [input, source] = [await stage.input(), stage.source('models/phrases')];`,
    replaced: [
      ["'https://host/model/'", 'await stage.server()'],
      ["@revision', { gpu }", "@revision', { gpu, endpoint: await stage.hub() }"],
      [".gguf', { gpu }", ".gguf', { gpu, endpoint: await stage.hub() }"],
      ['=> bytes', '=> source.read(file, range)'],
    ],
    replacedIn: served,
  },
  'a training run': {
    has: 'new Trainer(model, {',
    before: `${device}
const pairsOf = (index) => [{ source: [4, 20 + (index % 2), 11, 59, 1], target: [20, 11, 59, 1] }];`,
    replaced: [
      ['{ maxSteps: 200 }', '{ maxSteps: 2 }'],
      ['step % 50', 'step % 2'],
      ["'runs/fine-tuned'", 'stage.folder()'],
    ],
    replacedIn: served,
  },
};
