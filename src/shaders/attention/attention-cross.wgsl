// Where the decode form of cross-attention finds its data: one query a sequence over the keys and
// values of the encoder's output, which stay the same from step to step. Neighbouring sequences,
// `beams` of them, have one source.
struct Params {
  batches: u32,
  heads: u32,
  beams: u32,
  keys: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_pitch: u32,
  k_start: u32,
  v_pitch: u32,
  v_start: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;         // (batches, 1, q_pitch)
@group(0) @binding(2) var<storage, read> k: array<f32>;         // (batches / beams, keys, k_pitch)
@group(0) @binding(3) var<storage, read> v: array<f32>;         // (batches / beams, keys, v_pitch)
@group(0) @binding(4) var<storage, read> key_mask: array<u32>;  // (batches / beams, keys), 0 = padding
@group(0) @binding(5) var<storage, read_write> y: array<f32>;   // (batches, 1, heads · head_size)

fn key_begin(batch: u32) -> u32 {
  return 0u;
}

fn key_end(batch: u32) -> u32 {
  return params.keys;
}

fn is_key(batch: u32, key: u32) -> bool {
  return key_mask[batch / params.beams * params.keys + key] != 0u;
}

fn k_index(batch: u32, key: u32, head: u32) -> u32 {
  return (batch / params.beams * params.keys + key) * params.k_pitch + params.k_start
    + head * params.head_size;
}

fn v_index(batch: u32, key: u32, head: u32) -> u32 {
  return (batch / params.beams * params.keys + key) * params.v_pitch + params.v_start
    + head * params.head_size;
}

fn scores_of_keys(products: vec4f, batch: u32, head: u32, keys: vec4u) -> vec4f {
  return products * params.scale;
}

fn score_of_itself(product: f32, batch: u32, head: u32) -> f32 {
  return 0.0;
}

fn new_k(batch: u32, head: u32, c: u32) -> f32 {
  return 0.0;
}

fn new_v(batch: u32, head: u32, c: u32) -> f32 {
  return 0.0;
}

fn append(batch: u32, head: u32, c: u32) {
}
