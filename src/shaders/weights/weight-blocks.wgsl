// Weights in blocks of BLOCK neighbours along a row: first the codes of all blocks, CODE_WORDS words each,
// then what the weights of each block share, HEAD_WORDS each. w = s·code + b. Rows are whole blocks long.
@group(0) @binding(1) var<storage, read> weight: array<u32>;

// s and b of the block that an index is in.
fn scale_at(i: u32) -> vec2f {
  let blocks = arrayLength(&weight) / (CODE_WORDS + HEAD_WORDS);
  let at = blocks * CODE_WORDS + (i / BLOCK) * HEAD_WORDS;
  let first = weight[at];
  if (HALF_SCALES) {
    return unpack2x16float(first);
  }
  if (HEAD_WORDS == 1u) {
    return vec2f(bitcast<f32>(first), 0.0);
  }
  return bitcast<vec2f>(vec2u(first, weight[at + HEAD_WORDS - 1u]));
}

fn weight_at(i: u32) -> f32 {
  let scale = scale_at(i);
  return fma(code_of(weight[i / CODES], i % CODES), scale.x, scale.y);
}

// Two neighbours, from an even index.
fn weight2_at(i: u32) -> vec2f {
  let scale = scale_at(i);
  let word = weight[i / CODES];
  let codes = vec2f(code_of(word, i % CODES), code_of(word, i % CODES + 1u));
  return fma(codes, vec2f(scale.x), vec2f(scale.y));
}

// Four neighbours, from an index divisible by 4.
fn weight4_at(i: u32) -> vec4f {
  let scale = scale_at(i);
  let codes = codes4_of(weight[i / CODES], (i % CODES) / 4u);
  return fma(codes, vec4f(scale.x), vec4f(scale.y));
}
