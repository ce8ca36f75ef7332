// Shared by the two halves of attention's gradient (FlashAttention-2, arXiv 2307.08691, §3.1.2). The
// weights are computed again from `lse`; with them, p = exp(score - lse), dp = do·v and
// ds = p · (dp - delta) · scale, where delta = Σ do · o of the query. No atomics: one half owns the
// queries, the other the keys. Gradients of q, k and v lie as q, k and v do.
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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;         // (batches, queries, q_pitch)
@group(0) @binding(2) var<storage, read> kv: array<f32>;        // (batches, keys, kv_pitch)
@group(0) @binding(3) var<storage, read> key_mask: array<u32>;  // (batches, keys), 0 = padding
@group(0) @binding(4) var<storage, read> lse: array<f32>;       // (batches, heads, queries)
@group(0) @binding(5) var<storage, read> dy: array<f32>;        // (batches, queries, heads · head_size)

fn q_index(batch: u32, row: u32, head: u32) -> u32 {
  return (batch * params.queries + row) * params.q_pitch + params.q_start + head * params.head_size;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  return (batch * params.keys + key) * params.kv_pitch + params.k_start + head * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  return (batch * params.keys + key) * params.kv_pitch + params.v_start + head * params.head_size;
}

fn y_index(batch: u32, row: u32, head: u32) -> u32 {
  return ((batch * params.queries + row) * params.heads + head) * params.head_size;
}

fn sees(batch: u32, row: u32, key: u32) -> bool {
  return key_mask[batch * params.keys + key] != 0u && (!CAUSAL || key <= row);
}

fn weight_of(score: f32, log_sum: f32, seen: bool) -> f32 {
  return select(0.0, exp(min(score * params.scale - log_sum, 0.0)), seen);
}
