// Where the snippets of docs/ run: what stands for checkpoints of the Hub and for files that no test has. Each
// page's snippets are whole programs, so that nothing stands above them.

import type { Stage } from './readme-stages.ts';

/** Repositories that the pages name, and the tiny checkpoint of the same kind that is run. */
const models: Readonly<Record<string, string>> = {
  'BAAI/bge-reranker-base': "await stage.task('bert/rank')",
  'HuggingFaceTB/SmolLM2-135M-Instruct': "await stage.task('gpt2')",
  'deepset/tinyroberta-squad2': "await stage.task('bert/qa')",
  'distilbert/distilbert-base-uncased-finetuned-sst-2-english': "await stage.task('bert/nli')",
  'dslim/distilbert-NER': "await stage.task('bert/ner')",
  'google/vit-base-patch16-224': "stage.source('vit')",
  'hustvl/yolos-tiny': "stage.source('variants/yolos')",
  'laion/CLIP-ViT-B-32-laion2B-s34B-b79K': "stage.source('tasks/clip')",
  'nlpconnect/vit-gpt2-image-captioning': 'await stage.captioner()',
  'openai/whisper-tiny': "stage.source('whisper_task')",
  'sentence-transformers/all-MiniLM-L6-v2': "await stage.task('bert/features')",
};

export const namedModels: readonly string[] = Object.keys(models);

/** Texts of any page, and what is run in their place. */
const replacements: readonly (readonly [string, string])[] = [
  ...Object.entries(models).map(([name, source]) => [`'hf:${name}'`, source] as const),
  ["'hf:owner/name-GGUF/name-Q4_K_M.gguf'", 'await stage.chosenFile()'],
  ["'saes/layer-0'", "stage.source('interpret/standard')"],
  ["'chats.jsonl'", 'stage.chats()'],
  ["'texts.jsonl'", 'stage.texts()'],
  ["'pets'", 'await stage.pets()'],
  ["'street'", 'await stage.street()'],
  ["'speech'", 'await stage.speech()'],
  ["'cat.jpg'", 'await stage.picture()'],
  ["'speech.wav'", 'await stage.sound()'],
  ["'jobs'", 'await stage.disk()'],
  // Tiny models have room for few tokens, and French is none of their languages.
  ['maxNewTokens: 200', 'maxNewTokens: 5'],
  ["language: 'fr'", "language: 'de'"],
  // Steps of tiny models are enough.
  ['step % 100', 'step % 1'],
];

/** The stage of a page's snippet. Folders of runs do not outlive the tests. */
export function docsStage(page: string, code: string): Stage {
  const folders = new Set(code.match(/'runs\/[\w-]+'/g));
  const replaced = [
    ...replacements.filter(([from]) => code.includes(from)),
    ...[...folders].map((name) => [name, `stage.folder(${name})`] as const),
  ];
  const rest = replaced.reduce((text, [from, to]) => text.replaceAll(from, to), code);
  // At localhost a client finds what the snippet itself has there.
  const [unknown] = /'(hf:|https?:(?!\/\/localhost\/))[^']*'/.exec(rest) ?? [];
  if (unknown === undefined) return { has: '', replaced };
  throw new Error(`${page}: nothing in docs-stages.ts stands for ${unknown} in\n${code}`);
}
