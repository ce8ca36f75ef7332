// Codes that are places in a TABLE of 16, eight to a word.
fn code_at(i: u32) -> f32 {
  var table = TABLE;
  return table[(weight[i >> 3u] >> ((i & 7u) << 2u)) & 15u];
}

// Four neighbours, from an index divisible by 4.
fn code4_at(i: u32) -> vec4f {
  var table = TABLE;
  let word = weight[i >> 3u] >> ((i & 4u) << 2u);
  return vec4f(
    table[word & 15u], table[(word >> 4u) & 15u],
    table[(word >> 8u) & 15u], table[(word >> 12u) & 15u]);
}
