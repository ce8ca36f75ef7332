// The compared models as checkpoints in Hugging Face's layout, in memory.

import type { JsonObject } from '../../src/source/json.ts';
import { safetensors } from '../../src/source/safetensors-writer.ts';
import type { Source } from '../../src/source/source.ts';
import type { StackSize, Values } from './cases.ts';
import { embeddingWeights, normEps, stackWeights } from './models.ts';
import { embeddingNorm, transposed } from './work.ts';

export function bertSource(size: StackSize): Source {
  const { layers, width, heads, inner, vocabulary } = size;
  const { tokens, positions } = embeddingWeights(size);
  const tensors = new Map<string, Values>([
    ['embeddings.word_embeddings.weight', tokens],
    ['embeddings.position_embeddings.weight', positions],
    ['embeddings.token_type_embeddings.weight', zeros([1, width])],
  ]);
  const both = (name: string, { weight, bias }: { weight: Values; bias: Values }): void => {
    tensors.set(`${name}.weight`, weight).set(`${name}.bias`, bias);
  };
  both('embeddings.LayerNorm', embeddingNorm(size));
  const of = found(stackWeights(size));
  for (let layer = 0; layer < layers; layer++) {
    const to = `encoder.layer.${layer}`;
    const dense = (name: string, from: string): void => {
      both(name, {
        weight: transposed(of(`${layer}.${from}.weight`)),
        bias: of(`${layer}.${from}.bias`),
      });
    };
    const norm = (name: string, from: string): void => {
      both(name, { weight: of(`${layer}.${from}.weight`), bias: of(`${layer}.${from}.bias`) });
    };
    const weight = transposed(of(`${layer}.qkv.weight`));
    const bias = of(`${layer}.qkv.bias`);
    for (const [part, name] of ['query', 'key', 'value'].entries()) {
      const rows = (values: Values, shape: readonly number[]): Values => {
        const length = values.data.length / 3;
        return { shape, data: values.data.slice(part * length, (part + 1) * length) };
      };
      both(`${to}.attention.self.${name}`, {
        weight: rows(weight, [width, width]),
        bias: rows(bias, [width]),
      });
    }
    dense(`${to}.attention.output.dense`, 'out');
    norm(`${to}.attention.output.LayerNorm`, 'norm1');
    dense(`${to}.intermediate.dense`, 'up');
    dense(`${to}.output.dense`, 'down');
    norm(`${to}.output.LayerNorm`, 'norm2');
  }
  return checkpoint(tensors, {
    model_type: 'bert',
    architectures: ['BertModel'],
    vocab_size: vocabulary,
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: inner,
    hidden_act: 'gelu',
    max_position_embeddings: positions.shape[0] ?? 0,
    type_vocab_size: 1,
    layer_norm_eps: normEps,
    pad_token_id: 0,
  });
}

export function gpt2Source(size: StackSize): Source {
  const { layers, width, heads, inner, vocabulary } = size;
  const { tokens, positions } = embeddingWeights(size);
  const tensors = new Map<string, Values>([
    ['transformer.wte.weight', tokens],
    ['transformer.wpe.weight', positions],
  ]);
  const of = found(stackWeights(size));
  const copy = (name: string, from: string): void => {
    for (const part of ['weight', 'bias']) tensors.set(`${name}.${part}`, of(`${from}.${part}`));
  };
  for (let layer = 0; layer < layers; layer++) {
    const to = `transformer.h.${layer}`;
    copy(`${to}.ln_1`, `${layer}.norm1`);
    copy(`${to}.attn.c_attn`, `${layer}.qkv`);
    copy(`${to}.attn.c_proj`, `${layer}.out`);
    copy(`${to}.ln_2`, `${layer}.norm2`);
    copy(`${to}.mlp.c_fc`, `${layer}.up`);
    copy(`${to}.mlp.c_proj`, `${layer}.down`);
  }
  copy('transformer.ln_f', 'norm');
  return checkpoint(tensors, {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    vocab_size: vocabulary,
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    n_inner: inner,
    n_positions: positions.shape[0] ?? 0,
    activation_function: 'gelu_new',
    layer_norm_epsilon: normEps,
  });
}

function found(weights: Readonly<Record<string, Values>>): (name: string) => Values {
  return (name) => {
    const values = weights[name];
    if (values === undefined) throw new RangeError(`there is no weight ${name}`);
    return values;
  };
}

function zeros(shape: readonly number[]): Values {
  return { shape, data: new Float32Array(shape.reduce((product, length) => product * length, 1)) };
}

function checkpoint(tensors: ReadonlyMap<string, Values>, config: JsonObject): Source {
  const files = new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify(config))],
    ['model.safetensors', safetensors(tensors)],
  ]);
  return {
    name: 'a drawn checkpoint',
    read: async (file, range) => files.get(file)?.subarray(range?.start, range?.end),
    size: async (file) => files.get(file)?.length,
  };
}
