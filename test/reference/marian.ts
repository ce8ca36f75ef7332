// MarianMT in float64, one sequence at a time, straight from the paper's formulas ("Attention Is
// All You Need", arXiv 1706.03762; Marian departs with sines and cosines in halves). No caches, no
// padding to buckets, no batches: every sequence is on its own.

export interface Weights {
  readonly get: (name: string) => { readonly data: ArrayLike<number> } | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Rows of numbers. */
type Matrix = Float64Array[];

export interface MarianReference {
  /** Logits (T, vocabulary) of a sequence; masks are 1 where a token counts. */
  forward(
    source: readonly number[],
    sourceMask: readonly number[],
    target: readonly number[],
  ): Matrix;
  /** Start token and greedy choices, until the end token or `maxNewTokens`. */
  greedy(
    source: readonly number[],
    sourceMask: readonly number[],
    maxNewTokens: number,
  ): { tokens: number[]; margin: number };
}

const activations: Record<string, (x: number) => number> = {
  relu: (x) => Math.max(0, x),
  swish: (x) => x / (1 + Math.exp(-x)),
};

export function marianReference(config: Fields, weights: Weights): MarianReference {
  const field = (name: string): number => Number(config[name]);
  const d = field('d_model');
  const find = (name: string): ArrayLike<number> => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`The checkpoint has no ${name}.`);
    return found.data;
  };
  const activate = activations[String(config['activation_function'])]!;

  const linear = (x: Matrix, name: string): Matrix => {
    const [weight, bias] = [find(`${name}.weight`), find(`${name}.bias`)];
    return x.map((row) =>
      Float64Array.from({ length: bias.length }, (_, out) => dot(row, weight, out) + bias[out]!),
    );
  };
  const addNorm = (x: Matrix, y: Matrix, name: string): Matrix => {
    const [weight, bias] = [find(`${name}.weight`), find(`${name}.bias`)];
    return x.map((row, i) => {
      const sum = row.map((value, j) => value + y[i]![j]!);
      const mean = sum.reduce((total, value) => total + value, 0) / d;
      const variance = sum.reduce((total, value) => total + (value - mean) ** 2, 0) / d;
      const scale = 1 / Math.sqrt(variance + 1e-5);
      return sum.map((value, j) => (value - mean) * scale * weight[j]! + bias[j]!);
    });
  };
  /** softmax(Q Kᵀ / √d_k) V, head by head, over the keys that `sees` allows. */
  const attend = (
    x: Matrix,
    memory: Matrix,
    name: string,
    heads: number,
    sees: (query: number, key: number) => boolean,
  ): Matrix => {
    const [q, k, v] = [
      linear(x, `${name}.q_proj`),
      linear(memory, `${name}.k_proj`),
      linear(memory, `${name}.v_proj`),
    ];
    const size = d / heads;
    const mixed = q.map((query, i) => {
      const result = new Float64Array(d);
      for (let first = 0; first < d; first += size) {
        const scores = k.map((key, j) => {
          if (!sees(i, j)) return -Infinity;
          let score = 0;
          for (let c = first; c < first + size; c++) score += query[c]! * key[c]!;
          return score / Math.sqrt(size);
        });
        const largest = Math.max(...scores);
        if (largest === -Infinity) continue;
        const exps = scores.map((score) => Math.exp(score - largest));
        const total = exps.reduce((sum, e) => sum + e, 0);
        for (let c = first; c < first + size; c++) {
          for (const [j, e] of exps.entries()) result[c]! += (e / total) * v[j]![c]!;
        }
      }
      return result;
    });
    return linear(mixed, `${name}.out_proj`);
  };
  const feed = (x: Matrix, name: string): Matrix =>
    linear(
      linear(x, `${name}.fc1`).map((row) => row.map((value) => activate(value))),
      `${name}.fc2`,
    );

  const shared = config['share_encoder_decoder_embeddings'] !== false;
  const tableOf = (side: string): ArrayLike<number> =>
    find(shared ? 'model.shared.weight' : `model.${side}.embed_tokens.weight`);
  const output =
    config['tie_word_embeddings'] === false ? find('lm_head.weight') : tableOf('decoder');
  const scale = config['scale_embedding'] === true ? Math.sqrt(d) : 1;
  const embed = (ids: readonly number[], table: ArrayLike<number>): Matrix =>
    ids.map((id, place) =>
      Float64Array.from(
        { length: d },
        (_, c) => table[id * d + c]! * scale + position(place, c, d),
      ),
    );

  const encode = (source: readonly number[], mask: readonly number[]): Matrix => {
    let h = embed(source, tableOf('encoder'));
    for (let layer = 0; layer < field('encoder_layers'); layer++) {
      const name = `model.encoder.layers.${layer}`;
      const heads = field('encoder_attention_heads');
      const attended = attend(h, h, `${name}.self_attn`, heads, (_, key) => mask[key] === 1);
      h = addNorm(h, attended, `${name}.self_attn_layer_norm`);
      h = addNorm(h, feed(h, name), `${name}.final_layer_norm`);
    }
    return h;
  };
  const decode = (target: readonly number[], memory: Matrix, mask: readonly number[]): Matrix => {
    let h = embed(target, tableOf('decoder'));
    for (let layer = 0; layer < field('decoder_layers'); layer++) {
      const name = `model.decoder.layers.${layer}`;
      const heads = field('decoder_attention_heads');
      const own = attend(h, h, `${name}.self_attn`, heads, (query, key) => key <= query);
      h = addNorm(h, own, `${name}.self_attn_layer_norm`);
      const cross = attend(h, memory, `${name}.encoder_attn`, heads, (_, key) => mask[key] === 1);
      h = addNorm(h, cross, `${name}.encoder_attn_layer_norm`);
      h = addNorm(h, feed(h, name), `${name}.final_layer_norm`);
    }
    const bias = weights.get('final_logits_bias')?.data;
    return h.map((row) =>
      Float64Array.from(
        { length: output.length / d },
        (_, token) => dot(row, output, token) + (bias?.[token] ?? 0),
      ),
    );
  };

  return {
    forward: (source, mask, target) => decode(target, encode(source, mask), mask),
    greedy: (source, mask, maxNewTokens) => {
      const memory = encode(source, mask);
      const tokens = [field('decoder_start_token_id')];
      let margin = Infinity;
      while (tokens.length <= maxNewTokens) {
        const scores = decode(tokens, memory, mask).at(-1)!;
        const [best, second] = [...scores.keys()].toSorted((a, b) => scores[b]! - scores[a]!);
        margin = Math.min(margin, scores[best!]! - scores[second!]!);
        tokens.push(best!);
        if (best === field('eos_token_id')) break;
      }
      return { tokens, margin };
    },
  };
}

/** Row `row` of a matrix stored flat, times a vector. */
function dot(x: Float64Array, matrix: ArrayLike<number>, row: number): number {
  let total = 0;
  for (let c = 0; c < x.length; c++) total += x[c]! * matrix[row * x.length + c]!;
  return total;
}

/** PE(pos, 2i) = sin(pos / 10000^(2i/d)) and PE(pos, 2i + 1) = cos(…), all sines first. */
function position(place: number, column: number, d: number): number {
  const sines = Math.floor((d + 1) / 2);
  const pair = column < sines ? column : column - sines;
  const angle = place / Math.pow(10000, (2 * pair) / d);
  return column < sines ? Math.sin(angle) : Math.cos(angle);
}
