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
  'a search': {
    has: "pipeline('embeddings'",
    before: `${device}
import { pipeline } from 'webgpu-transformer';`,
    replaced: [
      ["'embeddings', 'hf:owner/name'", "'embeddings', await stage.task('bert/features')"],
      ["'text-ranking', 'hf:owner/name'", "'text-ranking', await stage.task('bert/rank')"],
    ],
  },
  'what a picture shows': {
    has: "pipeline('image-classification'",
    before: `${device}
import { pipeline } from 'webgpu-transformer';`,
    replaced: [
      ["'hf:owner/name'", "stage.source('vit')"],
      ["'cat.jpg'", 'await stage.picture()'],
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
      ['=> bytes', '=> source.read(file, range)'],
    ],
    replacedIn: served,
  },
  'a GGUF file': {
    has: 'name-Q4_K_M.gguf',
    before: `${device}
import { loadModel } from 'webgpu-transformer';`,
    replaced: [['{ gpu }', '{ gpu, endpoint: await stage.hub() }']],
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
  'rows of data': {
    has: 'readRecords(',
    replaced: [
      ["'hf:owner/name'", "await stage.task('gpt2')"],
      [
        "'chats.jsonl'",
        `new File([JSON.stringify({ messages: [{ role: 'assistant', content: 'Marie' }] })], 'chats.jsonl')`,
      ],
    ],
  },
  'rows as they come': {
    has: 'streamRecords(',
    replaced: [
      ["'hf:owner/name'", "await stage.task('gpt2')"],
      ["'texts.jsonl'", `new File(['{"text": "Marie Curie"}'], 'texts.jsonl')`],
    ],
  },
  'pictures by label': {
    has: 'imageFolder(',
    before: device,
    replaced: [
      ["'pets'", 'await stage.pets()'],
      ["'hf:owner/name'", "stage.source('vit')"],
    ],
  },
  'sounds with texts': {
    has: 'audioFolder(',
    before: device,
    replaced: [
      ["'speech'", 'await stage.speech()'],
      ["'hf:owner/name'", "stage.source('whisper_task')"],
      ["'fr'", "'de'"],
    ],
  },
  'low-rank adapters': {
    has: 'new Lora(',
    before: `${device}
import { loadModel } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';`,
    replaced: [["'runs/adapter'", 'stage.folder()']],
    replacedIn: served,
  },
  'a run that ends early': {
    has: 'new EarlyStopping(',
    before: `${device}
import { loadModel } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
const model = await loadModel(stage.source('bert_seqcls'), { gpu, training: true });
const trainer = new Trainer(model, { learningRate: 0.001 });
const heldOut = [{ inputIds: [[5, 6], [7, 8]], labels: [0, 1] }];
const batches = () => heldOut[0];`,
    replaced: [
      ['step % 100', 'step % 1'],
      ["'runs/best'", 'stage.folder()'],
    ],
  },
  metrics: { has: 'bleu(hypotheses' },
};
