// Weights stored as bf16 (the upper half of an f32), two to a word, the first in the low half.
@group(0) @binding(1) var<storage, read> weight: array<u32>;

// Two neighbours, from an even index.
fn weight2_at(i: u32) -> vec2f {
  let pair = weight[i >> 1u];
  return vec2f(bitcast<f32>(pair << 16u), bitcast<f32>(pair & 0xffff0000u));
}

fn weight_at(i: u32) -> f32 {
  let pair = weight2_at(i);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  return vec4f(weight2_at(i), weight2_at(i + 2u));
}
