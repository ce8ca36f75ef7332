// What the page and the worker that looks inside tell each other.

import type { DenseTensor, ModelSource } from 'webgpu-transformer';

/** A head of a layer, both from 0 on. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** What is added to the residual stream behind a layer: from texts of one kind to those of another. */
export interface Steering {
  readonly layer: number;
  readonly scale: number;
  readonly toward: readonly string[];
  readonly away: readonly string[];
}

/** How the next token is chosen. Temperature 0 takes the likeliest. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

/** The activation that is put from one run into the other. */
export type PatchedPart = 'output' | 'selfAttention.output' | 'feedForward.output';

/** What a visitor wants to see. */
export interface Scene {
  readonly text: string;
  readonly off: readonly HeadPlace[];
  /** Undefined where nothing is added. */
  readonly steering: Steering | undefined;
  readonly sampling: Sampling;
  /** What is open on the page. Nothing else is computed. */
  readonly attention: boolean;
  readonly lens: boolean;
  /** The other text, and what is put from the first run into its own. */
  readonly pair: { readonly text: string; readonly part: PatchedPart } | undefined;
}

/** From the page. A scene takes the place of the one before, whose work is given up. */
export type Order =
  | { readonly type: 'open'; readonly source: ModelSource }
  | { readonly type: 'show'; readonly id: number; readonly scene: Scene };

/** The model that was opened. */
export interface ModelFacts {
  readonly family: string;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly bytes: number;
  readonly loadTime: number;
  readonly adapter: string;
}

export interface Token {
  readonly id: number;
  readonly text: string;
}

/** The tokens of a text. `left`: how many stand before them and are not read. */
export interface TokensRead {
  readonly tokens: readonly Token[];
  readonly left: number;
}

/** The logits behind a text, (V), and the likeliest tokens, which a page can name. */
export interface NextToken {
  readonly logits: Float32Array<ArrayBuffer>;
  readonly likeliest: readonly Token[];
}

/** A cell of a lens: the likeliest tokens and their probabilities. */
export type LensCell = readonly (Token & { readonly probability: number })[];

/** What patches of each layer and position recover, beside what is measured. */
export interface Patches {
  readonly points: readonly string[];
  readonly tokens: readonly Token[];
  readonly otherTokens: readonly Token[];
  /** 1 where the other text's answer becomes the first one's. (points, positions) */
  readonly recovered: readonly (readonly number[])[];
  /** The token whose logit is measured, and the one that it is compared with. */
  readonly target: Token;
  readonly against: Token | undefined;
}

/** A part of a scene, as it is known. */
export type Part =
  | ({ readonly part: 'tokens' } & TokensRead)
  | {
      readonly part: 'next';
      readonly next: NextToken;
      /** The same of the model as it is, where it was changed. */
      readonly plain: NextToken | undefined;
      /** (1, heads, T, T) of each layer. */
      readonly attentions: readonly DenseTensor[] | undefined;
      /** Milliseconds. */
      readonly time: number;
    }
  | {
      readonly part: 'lens';
      readonly points: readonly string[];
      readonly cells: readonly (readonly LensCell[])[];
    }
  | { readonly part: 'text'; readonly isPlain: boolean; readonly text: string }
  | { readonly part: 'otherTokens'; readonly tokens: readonly Token[] }
  | { readonly part: 'patches'; readonly patches: Patches };

/** Why something is not shown, in the words of the page. */
export type Refusal = 'empty' | 'tooLarge' | 'lists' | 'alike' | 'lengths' | 'notNumbers';

export interface RefusalFacts {
  /** Whether it is the two texts that cannot be compared. */
  readonly isOfPair?: boolean;
  /** Of a model that is too large. */
  readonly bytes?: number;
  /** Tokens of two texts. */
  readonly counts?: readonly [first: number, second: number];
}

/** From the worker. */
export type Report =
  | { readonly type: 'loading'; readonly loaded: number; readonly total: number }
  | { readonly type: 'opened'; readonly facts: ModelFacts }
  | ({ readonly type: 'shown'; readonly id: number } & Part)
  /** All that was wanted is shown. */
  | { readonly type: 'done'; readonly id: number }
  /** `id`: of what was to be shown; undefined of the model that was to be opened. */
  | ({
      readonly type: 'refused';
      readonly id: number | undefined;
      readonly refusal: Refusal;
    } & RefusalFacts)
  | {
      readonly type: 'failed';
      readonly id: number | undefined;
      readonly code: string;
      readonly message: string;
    };
