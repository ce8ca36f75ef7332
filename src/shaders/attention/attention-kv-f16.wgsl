// Keys and values of attention out of a cache in f16, two to a word.
@group(0) @binding(2) var<storage, read> k: array<u32>;  // (batches, keys, k_pitch / 2)
@group(0) @binding(3) var<storage, read> v: array<u32>;  // (batches, keys, v_pitch / 2)

fn k_at(i: u32) -> f32 {
  let pair = unpack2x16float(k[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}

fn v_at(i: u32) -> f32 {
  let pair = unpack2x16float(v[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
