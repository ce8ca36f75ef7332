// Weights stored as f32.
@group(0) @binding(1) var<storage, read> weight: array<f32>;

fn weight_at(i: u32) -> f32 {
  return weight[i];
}

// Two neighbours, from an even index.
fn weight2_at(i: u32) -> vec2f {
  return vec2f(weight[i], weight[i + 1u]);
}

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  return vec4f(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u]);
}
