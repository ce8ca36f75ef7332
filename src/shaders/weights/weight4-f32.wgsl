// Weights stored as f32, read four at a time: rows are multiples of 4 long.
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  return weight[i >> 2u];
}
