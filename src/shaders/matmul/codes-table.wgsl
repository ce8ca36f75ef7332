// Codes that are places in a TABLE of 16, eight to a word.
// One for all: lavapipe (Mesa 26) reads copies in functions wrongly where a kernel reads two weights.
var<private> table: array<f32, 16> = TABLE;

fn code_at(i: u32) -> f32 {
  return table[(weight[i >> 3u] >> ((i & 7u) << 2u)) & 15u];
}

// Four neighbours, from an index divisible by 4.
fn code4_at(i: u32) -> vec4f {
  let word = weight[i >> 3u] >> ((i & 4u) << 2u);
  return vec4f(
    table[word & 15u], table[(word >> 4u) & 15u],
    table[(word >> 8u) & 15u], table[(word >> 12u) & 15u]);
}
