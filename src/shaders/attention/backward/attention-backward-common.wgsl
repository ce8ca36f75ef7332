// Shared by the kernels of attention's gradient (FlashAttention-2, arXiv 2307.08691, §3.1.2). The
// weights are computed again from `lse`: with p = exp(score - lse) and dp = do·v · keep, where keep is
// what dropout made of the weight, the score has the gradient p · (dp - delta), where delta = Σ do · o of
// the query, and q·k has ds, that times the slope of the score. No atomics: one half owns the queries, the
// other the keys, each of them for all heads that share it. Gradients lie as q, k and v do.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  kv_pitch: u32,
  k_start: u32,
  v_start: u32,
  group: u32,  // heads of q that share one of k and v
  scale: f32,
  softcap: f32,
  window: u32,
  reach: u32,
  site: u32,
  drop_below: u32,  // rate · 2³²
  keep_scale: f32,  // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;         // (batches, queries, q_pitch)
@group(0) @binding(2) var<storage, read> kv: array<f32>;        // (batches, keys, kv_pitch)
@group(0) @binding(3) var<storage, read> key_mask: array<u32>;  // (batches, keys), 0 = padding
@group(0) @binding(4) var<storage, read> sums: array<vec2f>;    // (batches, heads, queries): lse, delta
@group(0) @binding(5) var<storage, read> dy: array<f32>;        // (batches, queries, heads · head_size)
@group(0) @binding(6) var<storage, read> state: array<u32>;     // (2): seed, step
@group(0) @binding(7) var<storage, read> bias: array<f32>;      // see attention-score

// Keys past the last one repeat it.
fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.kv_pitch + params.k_start
    + head / params.group * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.kv_pitch + params.v_start
    + head / params.group * params.head_size;
}

// log Σ exp(score) and delta of four queries.
struct Sums {
  lse: vec4f,
  delta: vec4f,
}

fn sums_of(batch: u32, rows: vec4u, head: u32) -> Sums {
  let at = (batch * params.heads + head) * params.queries + min(rows, vec4u(params.queries - 1u));
  let pairs = mat4x2f(sums[at.x], sums[at.y], sums[at.z], sums[at.w]);
  let columns = transpose(pairs);
  return Sums(columns[0], columns[1]);
}

// Which keys exist and are not padding.
fn are_keys(batch: u32, keys: vec4u) -> vec4<bool> {
  let at = batch * params.keys + min(keys, vec4u(params.keys - 1u));
  let mask = vec4u(key_mask[at.x], key_mask[at.y], key_mask[at.z], key_mask[at.w]);
  return (keys < vec4u(params.keys)) & (mask != vec4u());
}

// Keys before this one are hidden from all of the rows from `row` on.
fn key_begin(row: u32) -> u32 {
  if (WINDOWED && row >= params.window) {
    return min(row + 1u - params.window, params.keys - 1u);
  }
  return 0u;
}

// Keys from this one on are hidden from all of the rows before `row_end`.
fn key_end(row_end: u32) -> u32 {
  if (CAUSAL) {
    return min(params.keys, row_end);
  }
  if (WINDOWED) {
    return min(params.keys, row_end - 1u + params.window);
  }
  return params.keys;
}

// The first query that sees one of the keys from `first_key` on. Where there is none, the last one:
// its weights are 0, which makes the gradients 0.
fn row_begin(first_key: u32) -> u32 {
  if (CAUSAL) {
    return min(first_key, params.queries - 1u);
  }
  if (WINDOWED && first_key >= params.window) {
    return min(first_key + 1u - params.window, params.queries - 1u);
  }
  return 0u;
}

// Queries from this one on see none of the keys before `end_of_keys`.
fn row_end(end_of_keys: u32) -> u32 {
  if (WINDOWED) {
    return min(params.queries, end_of_keys - 1u + params.window);
  }
  return params.queries;
}

// How the scores move with q·k.
fn slopes_of(products: vec4f) -> vec4f {
  if (SOFTCAP) {
    let parts = parts_of_softcap(products);
    return params.scale * (1.0 - parts * parts);
  }
  return vec4f(params.scale);
}

struct Pairs {
  weights: vec4f,  // p · keep
  dscores: vec4f,
  ds: vec4f,
}

// What four pairs of query and key give the gradients, of those whose rows and keys are present.
fn pairs_of(
  products: vec4f, dp: vec4f, of_rows: Sums, present: vec4<bool>,
  batch: u32, head: u32, rows: vec4u, keys: vec4u,
) -> Pairs {
  let scores = scores_of(products, head, rows, keys);
  let seen = present & in_sight(rows, keys);
  let weights = select(vec4f(), exp(min(scores - of_rows.lse, vec4f())), seen);
  var keep = vec4f(1.0);
  if (DROPOUT) {
    keep = kept(batch, head, rows, keys);
  }
  let dscores = weights * (dp * keep - of_rows.delta);
  return Pairs(weights * keep, dscores, dscores * slopes_of(products));
}
