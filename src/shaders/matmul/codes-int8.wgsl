// Codes from 0 to 255, four to a word.
fn code_at(i: u32) -> f32 {
  return f32((weight[i >> 2u] >> ((i & 3u) << 3u)) & 255u);
}

// Four neighbours, from an index divisible by 4.
fn code4_at(i: u32) -> vec4f {
  return vec4f(unpack4xU8(weight[i >> 2u]));
}
