// Shared by the attention kernels: y = softmax(q·kᵀ · scale)·v for every head (Attention Is All You
// Need, §3.2.1), without ever writing the queries × keys matrix. q, k and v are columns of wider
// rows: head h of a row begins at `start + h · head_size`, the next row `pitch` further.
// `lse` keeps log Σ exp(score) of each query, from which the weights can be computed again. Dropout
// takes weights away after the softmax, so `lse` knows nothing of it. Neighbouring heads of q share
// one of k and v, `group` of them (grouped-query attention, arXiv 2305.13245).
// CACHED: k and v are caches, and `key_mask` names the slot of the cache that holds each key, as in
// attention-decode. Where CAUSAL, `state` has the position and the place of every query then, else the
// seed and the step of dropout.
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
  group: u32,
  scale: f32,
  softcap: f32,
  window: u32,
  reach: u32,
  site: u32,
  drop_below: u32,  // rate · 2³²
  keep_scale: f32,  // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Element>;      // (batches, queries, q_pitch)
@group(0) @binding(4) var<storage, read> key_mask: array<u32>;   // (batches, keys), 0 or HIDDEN = padding
@group(0) @binding(5) var<storage, read> state: array<u32>;      // (2), or if CACHED (batches, queries, 2)
@group(0) @binding(6) var<storage, read> bias: array<f32>;       // see attention-score
@group(0) @binding(7) var<storage, read_write> y: array<Element>;  // (batches, queries, heads · head_size)
@group(0) @binding(8) var<storage, read_write> lse: array<f32>;  // (batches, heads, queries)

const HIDDEN = 0xffffffffu;

// The place of a query among the keys: caches hold keys from before the first one, as many in each
// sequence as the place of that says.
fn place_of(batch: u32, row: u32) -> u32 {
  if (CACHED && CAUSAL) {
    return row + state[2u * batch * params.queries + 1u];
  }
  return row;
}

// The row of k and v, keys numbered through all batches, in which a key of a batch lies.
fn key_row(batch: u32, key: u32) -> u32 {
  let clamped = min(key, params.keys - 1u);
  if (CACHED) {
    let slot = key_mask[batch * params.keys + clamped];
    return select(slot, 0u, slot == HIDDEN);
  }
  return batch * params.keys + clamped;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  return key_row(batch, key) * params.k_pitch + params.k_start
    + head / params.group * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  return key_row(batch, key) * params.v_pitch + params.v_start
    + head / params.group * params.head_size;
}

fn lse_index(batch: u32, row: u32, head: u32) -> u32 {
  return (batch * params.heads + head) * params.queries + row;
}

// Whether the key exists and is not padding.
fn is_key(batch: u32, key: u32) -> bool {
  let padding = select(0u, HIDDEN, CACHED);
  return key < params.keys
    && key_mask[batch * params.keys + min(key, params.keys - 1u)] != padding;
}

// Keys before this one, a multiple of `block`, are hidden from all of the rows from `row` on.
fn key_begin(batch: u32, row: u32, block: u32) -> u32 {
  let end = place_of(batch, row) + 1u;
  if (WINDOWED && end > params.window) {
    return min(end - params.window, params.keys - 1u) / block * block;
  }
  return 0u;
}

// Keys from this one on are hidden from all of the rows before `row_end`.
fn key_end(batch: u32, row_end: u32) -> u32 {
  if (CAUSAL) {
    return min(params.keys, place_of(batch, row_end));
  }
  if (WINDOWED) {
    return min(params.keys, row_end - 1u + params.window);
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
