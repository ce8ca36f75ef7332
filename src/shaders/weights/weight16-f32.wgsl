// Weights in f32, read 16 bytes at a time.
alias Vector = vec4f;
@group(0) @binding(1) var<storage, read> weight: array<Vector>;

const VECTOR = 4u;

fn four_of(vector: Vector, part: u32) -> vec4f {
  return vector;
}
