// Shared by the attention kernels: y = softmax(q·kᵀ · scale)·v for every head (Attention Is All You
// Need, §3.2.1), without ever writing the queries × keys matrix. q, k and v are columns of wider
// rows: head h of a row begins at `start + h · head_size`, the next row `pitch` further.
// `lse` keeps log Σ exp(score) of each query, from which the weights can be computed again. Dropout
// takes weights away after the softmax, so `lse` knows nothing of it.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_pitch: u32,
  k_start: u32,
  v_pitch: u32,
  v_start: u32,
  scale: f32,
  site: u32,
  drop_below: u32,  // rate · 2³²
  keep_scale: f32,  // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;          // (batches, queries, q_pitch)
@group(0) @binding(2) var<storage, read> k: array<f32>;          // (batches, keys, k_pitch)
@group(0) @binding(3) var<storage, read> v: array<f32>;          // (batches, keys, v_pitch)
@group(0) @binding(4) var<storage, read> key_mask: array<u32>;   // (batches, keys), 0 = padding
@group(0) @binding(5) var<storage, read> random: array<u32>;     // (2): seed, step
@group(0) @binding(6) var<storage, read_write> y: array<f32>;    // (batches, queries, heads · head_size)
@group(0) @binding(7) var<storage, read_write> lse: array<f32>;  // (batches, heads, queries)

fn q_index(batch: u32, row: u32, head: u32) -> u32 {
  let clamped = min(row, params.queries - 1u);
  return (batch * params.queries + clamped) * params.q_pitch + params.q_start
    + head * params.head_size;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.k_pitch + params.k_start
    + head * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  return (batch * params.keys + clamped) * params.v_pitch + params.v_start
    + head * params.head_size;
}

fn y_index(batch: u32, row: u32, head: u32) -> u32 {
  let clamped = min(row, params.queries - 1u);
  return ((batch * params.queries + clamped) * params.heads + head) * params.head_size;
}

fn lse_index(batch: u32, row: u32, head: u32) -> u32 {
  return (batch * params.heads + head) * params.queries + row;
}

// Whether the key exists and is not padding.
fn is_key(batch: u32, key: u32) -> bool {
  return key < params.keys && key_mask[batch * params.keys + min(key, params.keys - 1u)] != 0u;
}

// Keys from this one on are hidden from all of the rows before `row_end`.
fn key_end(row_end: u32) -> u32 {
  if (CAUSAL) {
    return min(params.keys, row_end);
  }
  return params.keys;
}

// A row whose keys are all masked has no sum; its output is 0.
fn inverse_or_zero(sum: f32) -> f32 {
  return select(0.0, 1.0 / max(sum, 1.0e-37), sum > 0.0);
}

fn log_sum(largest: f32, sum: f32) -> f32 {
  return select(LOWEST, largest + log(max(sum, 1.0e-37)), sum > 0.0);
}
