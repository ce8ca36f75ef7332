// Keys and values of attention in f32, four neighbours at a time: i is a multiple of 4.
@group(0) @binding(2) var<storage, read> k: array<vec4f>;  // (batches, keys, k_pitch / 4)
@group(0) @binding(3) var<storage, read> v: array<vec4f>;  // (batches, keys, v_pitch / 4)

fn k4_at(i: u32) -> vec4f {
  return k[i / 4u];
}

fn v4_at(i: u32) -> vec4f {
  return v[i / 4u];
}
