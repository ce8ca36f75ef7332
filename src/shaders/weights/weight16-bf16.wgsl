// Weights in bf16 (the upper half of an f32), read 16 bytes at a time.
alias Vector = vec4u;
@group(0) @binding(1) var<storage, read> weight: array<Vector>;

const VECTOR = 8u;

fn four_of(vector: Vector, part: u32) -> vec4f {
  let words = select(vector.xy, vector.zw, part == 1u);
  return bitcast<vec4f>(vec4u(
    words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}
