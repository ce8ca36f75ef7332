// Keys and values of attention in f32.
@group(0) @binding(2) var<storage, read> k: array<f32>;  // (batches, keys, k_pitch)
@group(0) @binding(3) var<storage, read> v: array<f32>;  // (batches, keys, v_pitch)

fn k_at(i: u32) -> f32 {
  return k[i];
}

fn v_at(i: u32) -> f32 {
  return v[i];
}
