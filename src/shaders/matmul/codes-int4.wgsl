// Codes from 0 to 15, eight to a word.
fn code_at(i: u32) -> f32 {
  return f32((weight[i >> 3u] >> ((i & 7u) << 2u)) & 15u);
}

// Four neighbours, from an index divisible by 4.
fn code4_at(i: u32) -> vec4f {
  let four = weight[i >> 3u] >> ((i & 4u) << 2u);
  return vec4f((vec4u(four) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u));
}
