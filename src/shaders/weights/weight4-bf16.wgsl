// Weights stored as bf16, read four at a time: rows are multiples of 4 long. A bf16 is the upper half
// of an f32.
@group(0) @binding(1) var<storage, read> weight: array<vec2u>;

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  let words = weight[i >> 2u];
  return bitcast<vec4f>(vec4u(
    words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
