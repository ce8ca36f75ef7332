// Shared by the two halves of attention's gradient (FlashAttention-2, arXiv 2307.08691, §3.1.2). The
// weights are computed again from `lse`: with p = exp(score - lse) and dp = do·v · keep, where keep is
// what dropout made of the weight, ds = p · (dp - delta) · scale, where delta = Σ do · o of the query.
// No atomics: one half owns the queries, the other the keys. Gradients lie as q, k and v do.
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
  scale: f32,
  site: u32,
  drop_below: u32,  // rate · 2³²
  keep_scale: f32,  // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;         // (batches, queries, q_pitch)
@group(0) @binding(2) var<storage, read> kv: array<f32>;        // (batches, keys, kv_pitch)
@group(0) @binding(3) var<storage, read> key_mask: array<u32>;  // (batches, keys), 0 = padding
@group(0) @binding(4) var<storage, read> lse: array<f32>;       // (batches, heads, queries)
@group(0) @binding(5) var<storage, read> dy: array<f32>;        // (batches, queries, heads · head_size)
@group(0) @binding(6) var<storage, read> delta: array<f32>;     // (batches, heads, queries)
@group(0) @binding(7) var<storage, read> state: array<u32>;     // (2): seed, step

// Keys past the last one repeat it.
fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.kv_pitch + params.k_start
    + head * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.kv_pitch + params.v_start
    + head * params.head_size;
}

fn lse_index(batch: u32, rows: vec4u, head: u32) -> vec4u {
  return (batch * params.heads + head) * params.queries + min(rows, vec4u(params.queries - 1u));
}

fn lse_of(batch: u32, rows: vec4u, head: u32) -> vec4f {
  let at = lse_index(batch, rows, head);
  return vec4f(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
}

fn delta_of(batch: u32, rows: vec4u, head: u32) -> vec4f {
  let at = lse_index(batch, rows, head);
  return vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]);
}

// Which keys exist and are not padding.
fn are_keys(batch: u32, keys: vec4u) -> vec4<bool> {
  let at = batch * params.keys + min(keys, vec4u(params.keys - 1u));
  let mask = vec4u(key_mask[at.x], key_mask[at.y], key_mask[at.z], key_mask[at.w]);
  return (keys < vec4u(params.keys)) & (mask != vec4u());
}

// Keys from this one on are hidden from all of the rows before `row_end`.
fn key_end(row_end: u32) -> u32 {
  if (CAUSAL) {
    return min(params.keys, row_end);
  }
  return params.keys;
}

// The first query that sees one of the keys from `first_key` on. Where there is none, the last one:
// its weights are 0, which makes the gradients 0.
fn row_begin(first_key: u32) -> u32 {
  if (CAUSAL) {
    return min(first_key, params.queries - 1u);
  }
  return 0u;
}

// The softmax weights of four pairs, of those whose rows and keys are present.
fn weights_of(scores: vec4f, log_sums: vec4f, present: vec4<bool>, rows: vec4u, keys: vec4u) -> vec4f {
  var seen = present;
  if (CAUSAL) {
    seen = seen & (keys <= rows);
  }
  return select(vec4f(), exp(min(scores * params.scale - log_sums, vec4f())), seen);
}

struct Pairs {
  weights: vec4f,  // p · keep
  ds: vec4f,
}

// What four pairs of query and key give the gradients.
fn pairs_of(
  scores: vec4f, dp: vec4f, log_sums: vec4f, deltas: vec4f, present: vec4<bool>,
  batch: u32, head: u32, rows: vec4u, keys: vec4u,
) -> Pairs {
  let weights = weights_of(scores, log_sums, present, rows, keys);
  var keep = vec4f(1.0);
  if (DROPOUT) {
    keep = kept(batch, head, rows, keys);
  }
  return Pairs(weights * keep, weights * (dp * keep - deltas) * params.scale);
}
