// Weights stored as f16, read four at a time: rows are multiples of 4 long. Needs no shader-f16.
@group(0) @binding(1) var<storage, read> weight: array<vec2u>;

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  let words = weight[i >> 2u];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
