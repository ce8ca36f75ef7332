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
  step,
}: Script): Promise<{ pipeline: ServedPipeline; asked: Asked[]; tokenizer: Tokenizer }> {
  const tokenizer = await Tokenizer.load(memorySource(await taskFiles('gpt2')), undefined);
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
