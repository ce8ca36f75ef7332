// A pipeline that generates what a test has written down, as a handler is given one.

import type { GenerateOptions } from 'webgpu-transformer';
import type { ServedPipeline } from 'webgpu-transformer/serve';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { memorySource } from './source.ts';
import { taskFiles } from './tasks.ts';

/** The token that ends a sequence. */
const end = 2;

export interface Script {
  /** What it writes; its tokens come one by one, and the one that ends it. */
  readonly text: string;
  readonly maxPositions?: number;
  /** Special tokens of its tokenizer besides. */
  readonly specials?: readonly string[];
  /** What a step waits for. */
  readonly step?: (signal: AbortSignal, index: number) => Promise<void>;
}

export interface Asked {
  readonly inputIds: readonly number[];
  readonly options: GenerateOptions;
}

/** The pipeline, and what its model was asked. */
export async function scriptedPipeline({
  text,
  maxPositions = 96,
  specials = [],
  step,
}: Script): Promise<{ pipeline: ServedPipeline; asked: Asked[]; tokenizer: Tokenizer }> {
  const files = await taskFiles('gpt2');
  const more = { 'tokenizer.json': withSpecials(files['tokenizer.json']!, specials) };
  const tokenizer = await Tokenizer.load(memorySource({ ...files, ...more }), undefined);
  const asked: Asked[] = [];
  const tokens = [...tokenizer.encode(text, undefined, { addSpecialTokens: false }), end];
  const model = {
    config: { eos_token_id: end },
    generationConfig: { eos_token_id: end },
    maxPositions,
    gpu: { device: {} },
    forward: async () => ({}),
    async *stream(
      { inputIds: [inputIds = []] }: { inputIds: number[][] },
      options: GenerateOptions,
    ) {
      asked.push({ inputIds, options });
      for (const [index, token] of tokens.slice(0, options.maxNewTokens ?? undefined).entries()) {
        await step?.(options.signal!, index);
        yield { tokenIds: [token] };
      }
    },
  };
  const made = Object.assign(() => undefined, { task: 'text-generation', model, tokenizer });
  return { pipeline: made as unknown as ServedPipeline, asked, tokenizer };
}

/** A tokenizer.json with further special tokens, behind those that are there. */
function withSpecials(file: Uint8Array, specials: readonly string[]): Uint8Array<ArrayBuffer> {
  const content = JSON.parse(new TextDecoder().decode(file)) as { added_tokens: object[] };
  const added = specials.map((token, index) => ({
    id: 100_000 + index,
    content: token,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const all = { ...content, added_tokens: [...content.added_tokens, ...added] };
  return new TextEncoder().encode(JSON.stringify(all));
}
