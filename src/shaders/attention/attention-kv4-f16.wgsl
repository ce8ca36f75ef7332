// Keys and values of attention out of a cache in f16, four neighbours at a time: i is a multiple of 4.
@group(0) @binding(2) var<storage, read> k: array<vec2u>;  // (batches, keys, k_pitch / 4)
@group(0) @binding(3) var<storage, read> v: array<vec2u>;  // (batches, keys, v_pitch / 4)

fn k4_at(i: u32) -> vec4f {
  let words = k[i / 4u];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn v4_at(i: u32) -> vec4f {
  let words = v[i / 4u];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
