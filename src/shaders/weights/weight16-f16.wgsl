// Weights in f16, read 16 bytes at a time. Needs no shader-f16.
alias Vector = vec4u;
@group(0) @binding(1) var<storage, read> weight: array<Vector>;

const VECTOR = 8u;

fn four_of(vector: Vector, part: u32) -> vec4f {
  let words = select(vector.xy, vector.zw, part == 1u);
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
