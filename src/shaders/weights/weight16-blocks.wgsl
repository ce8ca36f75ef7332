// Weights in blocks, read 16 bytes at a time: VECTOR codes. See weight-blocks.wgsl for how they lie.
alias Vector = vec4u;
@group(0) @binding(1) var<storage, read> weight: array<Vector>;

const VECTOR = 4u * CODES;
const SCALED = true;

// Codes 4 · part on of a vector.
fn four_of(vector: Vector, part: u32) -> vec4f {
  return codes4_of(vector[4u * part / CODES], part % (CODES / 4u));
}

// s and b of the block that a vector of codes is in.
fn scale_of(vector: u32) -> vec2f {
  let blocks = (4u * arrayLength(&weight)) / (CODE_WORDS + HEAD_WORDS);
  let at = blocks * CODE_WORDS + vector / (BLOCK / VECTOR) * HEAD_WORDS;
  let first = weight[at / 4u][at % 4u];
  if (HALF_SCALES) {
    return unpack2x16float(first);
  }
  if (HEAD_WORDS == 1u) {
    return vec2f(bitcast<f32>(first), 0.0);
  }
  return bitcast<vec2f>(vec2u(first, weight[at / 4u][at % 4u + 1u]));
}
