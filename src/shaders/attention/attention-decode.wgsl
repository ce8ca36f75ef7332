// Where the decode form of self-attention finds its data: one new token a sequence over its cache,
// which the token joins here when APPENDS, else has joined before. Its slot is data, so that one list
// serves all steps. Sequences may share rows of the cache: `rows` names the one that holds each key.
struct Params {
  batches: u32,
  heads: u32,
  capacity: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_start: u32,
  v_start: u32,
  group: u32,
  scale: f32,
  softcap: f32,
  window: u32,
  reach: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;        // (batches, 1, q_pitch): q, and k, v
@group(0) @binding(2) var<storage, read> place: array<u32>;    // (batches, 1, 2): position, slot
@group(0) @binding(3) var<storage, read> rows: array<u32>;     // (batches, capacity), HIDDEN = padding
@group(0) @binding(4) var<storage, read> bias: array<f32>;     // (2 · reach + 1, heads)
@group(0) @binding(5) var<storage, read_write> k: array<f32>;  // (batches, capacity, h / group · head_size)
@group(0) @binding(6) var<storage, read_write> v: array<f32>;  // (batches, capacity, h / group · head_size)
@group(0) @binding(7) var<storage, read_write> y: array<f32>;  // (batches, 1, heads · head_size)

const HIDDEN = 0xffffffffu;

fn slot_of(batch: u32) -> u32 {
  return min(place[2u * batch + 1u], params.capacity - 1u);
}

// Keys before this one are out of the window.
fn key_begin(batch: u32) -> u32 {
  let end = slot_of(batch) + 1u;
  return select(0u, end - params.window, WINDOWED && end > params.window);
}

// Keys in the cache, without a new one.
fn key_end(batch: u32) -> u32 {
  return slot_of(batch) + select(1u, 0u, APPENDS);
}

fn row_of_key(batch: u32, key: u32) -> u32 {
  return rows[batch * params.capacity + key];
}

fn is_key(batch: u32, key: u32) -> bool {
  return row_of_key(batch, key) != HIDDEN;
}

fn place_in(row: u32, key: u32, head: u32) -> u32 {
  return ((row * params.capacity + key) * (params.heads / params.group) + head / params.group)
    * params.head_size;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  return place_in(min(row_of_key(batch, key), params.batches - 1u), key, head);
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  return k_index(batch, key, head);
}

fn scores_of_keys(products: vec4f, batch: u32, head: u32, keys: vec4u) -> vec4f {
  return scores_of(products, head, vec4u(slot_of(batch)), keys);
}

fn score_of_itself(product: f32, batch: u32, head: u32) -> f32 {
  return scores_of_keys(vec4f(product), batch, head, vec4u(slot_of(batch))).x;
}

fn new_k(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.k_start + head / params.group * params.head_size + c];
}

fn new_v(batch: u32, head: u32, c: u32) -> f32 {
  return q[batch * params.q_pitch + params.v_start + head / params.group * params.head_size + c];
}

// The first of the heads that share a key writes it.
fn append(batch: u32, head: u32, c: u32) {
  if (head % params.group == 0u) {
    let at = place_in(batch, slot_of(batch), head) + c;
    k[at] = new_k(batch, head, c);
    v[at] = new_v(batch, head, c);
  }
}
