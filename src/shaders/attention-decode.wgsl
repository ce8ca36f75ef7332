// Where the decode form of self-attention finds its data: one new token a sequence, whose key and
// value join the cache. How many tokens the cache holds is data, so that one list serves all steps.
struct Params {
  batches: u32,
  heads: u32,
  capacity: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_start: u32,
  v_start: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;              // (batches, 1, q_pitch): q, k and v
@group(0) @binding(2) var<storage, read> length: array<u32>;         // (batches), tokens in the cache
@group(0) @binding(3) var<storage, read> key_mask: array<u32>;       // (batches, capacity), 0 = padding
@group(0) @binding(4) var<storage, read_write> k: array<f32>;        // (batches, capacity, heads · head_size)
@group(0) @binding(5) var<storage, read_write> v: array<f32>;        // (batches, capacity, heads · head_size)
@group(0) @binding(6) var<storage, read_write> y: array<f32>;        // (batches, 1, heads · head_size)

const APPENDS = true;

// Cached keys, without the new one.
fn key_count(batch: u32) -> u32 {
  return min(length[batch], params.capacity - 1u);
}

fn is_key(batch: u32, key: u32) -> bool {
  if (HAS_MASK) {
    return key_mask[batch * params.capacity + key] != 0u;
  }
  return true;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  return ((batch * params.capacity + key) * params.heads + head) * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  return k_index(batch, key, head);
}

fn new_k(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.k_start + head * params.head_size + c];
}

fn new_v(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.v_start + head * params.head_size + c];
}

fn append(batch: u32, head: u32, c: u32) {
  let at = k_index(batch, key_count(batch), head) + c;
  k[at] = new_k(batch, head, c);
  v[at] = new_v(batch, head, c);
}
