// BERT with rotary positions (RoFormer, Su et al., 2021, arXiv 2104.09864) and, but for Jina's, a feed-forward network
// that gates: GTE ("mGTE", Zhang et al., 2024, arXiv 2407.19669, §3), Nomic Embed (Nussbaum et al., 2024, arXiv
// 2402.01613, §3.1) and jina-embeddings-v3 (Sturua et al., 2024, arXiv 2409.10173, §4.1) without the
// adapters that its first files have by task: a config.json that names them is refused, as transformers reads none.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { headName } from '../../heads/head-name.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertNames } from './bert.ts';
import { bertModel, bertPooler, bertRoot, bertSizes, checkBert } from './bert-layers.ts';
import { robertaNames } from './roberta.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** What the weights are called: as transformers has them, or as files do that other code has written. */
interface FileNames {
  readonly embeddingNorm: string;
  readonly layers: string;
  /** Behind the prefix of a layer, as all that follow. Each, or all in one. */
  readonly queryKeyValue: readonly string[];
  readonly output: string;
  readonly outputNorm: string;
  /** What gates and what is gated, or one layer that has them the other way round; or the only one. */
  readonly inner: readonly string[];
  readonly outer: string;
  readonly norm: string;
}

/** What tells one from another. */
interface RotaryVariant {
  readonly family: string;
  readonly names: HeadNames;
  /** What a config.json means that says nothing. */
  readonly usual: {
    readonly types: number;
    readonly theta: number;
    readonly activation?: string;
    readonly eps?: number;
    readonly rate?: number;
  };
  /** Which parts have biases. */
  readonly biases: {
    readonly attention: boolean;
    readonly inner: boolean;
    readonly outer: boolean;
  };
  readonly kind: 'gated' | 'plain';
  readonly older: FileNames;
}

const native: FileNames = {
  embeddingNorm: 'embeddings.LayerNorm',
  layers: 'layers',
  queryKeyValue: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  output: 'self_attn.o_proj',
  outputNorm: 'post_attention_layernorm',
  inner: ['mlp.gate_proj', 'mlp.up_proj'],
  outer: 'mlp.down_proj',
  norm: 'post_mlp_layernorm',
};

const ofGte: FileNames = {
  embeddingNorm: 'embeddings.LayerNorm',
  layers: 'encoder.layer',
  queryKeyValue: ['attention.qkv_proj'],
  output: 'attention.o_proj',
  outputNorm: 'attn_ln',
  inner: ['mlp.up_gate_proj'],
  outer: 'mlp.down_proj',
  norm: 'mlp_ln',
};

const ofNomic: FileNames = {
  embeddingNorm: 'emb_ln',
  layers: 'encoder.layers',
  queryKeyValue: ['attn.Wqkv'],
  output: 'attn.out_proj',
  outputNorm: 'norm1',
  inner: ['mlp.fc12', 'mlp.fc11'],
  outer: 'mlp.fc2',
  norm: 'norm2',
};

const ofJina: FileNames = {
  ...ofNomic,
  queryKeyValue: ['mixer.Wqkv'],
  output: 'mixer.out_proj',
  inner: ['mlp.fc1'],
};

/** Declares the weights of a `Gte…` checkpoint, the head as `architectures` says. */
export function gte(config: Config, loader: WeightLoader): SequenceDefinition {
  const norm = ['lm_head.norm', 'lm_head.layer_norm'].find((name) => loader.has(`${name}.weight`));
  const masked = { ...robertaNames.masked, bias: 'lm_head.decoder.bias', ...(norm && { norm }) };
  return rotaryBert(config, loader, {
    family: 'gte.',
    names: { ...bertNames, masked },
    usual: { types: 1, theta: 160_000 },
    biases: { attention: true, inner: false, outer: true },
    kind: 'gated',
    older: ofGte,
  });
}

/** Declares the weights of a `NomicBert…` checkpoint, the head as `architectures` says. */
export function nomicBert(config: Config, loader: WeightLoader): SequenceDefinition {
  const masked = { ...bertNames.masked, norm: 'cls.predictions.transform.layer_norm' };
  return rotaryBert(config, loader, {
    family: 'nomic_bert.',
    names: { ...bertNames, masked },
    usual: { types: 2, theta: 1000, activation: 'silu', rate: 0 },
    biases: { attention: false, inner: false, outer: false },
    kind: 'gated',
    older: ofNomic,
  });
}

/** Declares the weights of a `JinaEmbeddingsV3…` checkpoint, the head as `architectures` says. */
export function jinaEmbeddingsV3(config: Config, loader: WeightLoader): SequenceDefinition {
  return rotaryBert(config, loader, {
    family: 'roberta.',
    names: robertaNames,
    usual: { types: 1, theta: 20_000, eps: 1e-5 },
    biases: { attention: true, inner: true, outer: true },
    kind: 'plain',
    older: ofJina,
  });
}

function rotaryBert(
  config: Config,
  loader: WeightLoader,
  { family, names, usual, biases, kind, older }: RotaryVariant,
): SequenceDefinition {
  checkBert(config);
  const own = { head: headName(config), names };
  const root = bertRoot(config, loader, family, own);
  const sizes = bertSizes(config, usual);
  const { size, width, heads, activation, eps, vocabulary, types, dropout } = sizes;
  const headSize = config.integer('head_dim', size / heads);
  const rotary = new RotaryTables(config, loader, headSize);
  const turned = rotary.table({ theta: usual.theta });
  const norm = (name: string) => layerNormWeights(loader, name, size, eps);
  const isNative = loader.has(`${root}layers.0.self_attn.q_proj.weight`);
  const usualInner = kind === 'gated' ? native.inner : older.inner;
  const usualOuter = kind === 'gated' ? native.outer : older.outer;
  const file = isNative ? { ...native, inner: usualInner, outer: usualOuter } : older;
  const inner = (prefix: string): Linear => {
    const bias = { bias: biases.inner };
    const [first = ''] = file.inner;
    if (kind === 'plain' || file.inner.length > 1) {
      const modules = file.inner.map((name) => `${prefix}.${name}`);
      return loader.linear(modules, width, size, bias);
    }
    // What gates stands below.
    const part = [width, 0].map((start) => ({ first: start, rows: 2 * width }));
    return loader.linear([`${prefix}.${first}`, `${prefix}.${first}`], width, size, {
      ...bias,
      part,
    });
  };
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      headSize,
      rotary: turned,
      queryKeyValue: loader.linear(
        file.queryKeyValue.map((name) => `${prefix}.${name}`),
        (3 * heads * headSize) / file.queryKeyValue.length,
        size,
        { bias: biases.attention },
      ),
      output: loader.linear(`${prefix}.${file.output}`, size, heads * headSize, {
        bias: biases.attention,
      }),
    },
    selfAttentionNorm: norm(`${prefix}.${file.outputNorm}`),
    feedForward: {
      kind,
      inner: inner(prefix),
      outer: loader.linear(`${prefix}.${file.outer}`, size, width, { bias: biases.outer }),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.${file.norm}`),
  });
  const table = (name: string): string => `${root}embeddings.${name}_embeddings.weight`;
  const embeddings = {
    tokens: loader.matrix(table('word'), vocabulary, size),
    padding: sizes.padding,
    types: types === 0 ? undefined : loader.matrix(table('token_type'), types, size),
    norm: norm(root + file.embeddingNorm),
    dropout: dropout.residual,
  };
  return bertModel(config, loader, {
    ...own,
    sizes,
    layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, index) =>
      layer(`${root}${file.layers}.${index}`),
    ),
    pooler: bertPooler(loader, `${root}pooler.dense`, size, own),
    embeddings,
    rotary,
  });
}
