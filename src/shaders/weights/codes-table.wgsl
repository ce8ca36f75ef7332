// Codes that are places in a TABLE of 16, eight to a word.
const CODES = 8u;

// One for all: lavapipe (Mesa 26) reads copies in functions wrongly where a kernel reads two weights.
var<private> table: array<f32, 16> = TABLE;

fn code_of(word: u32, place: u32) -> f32 {
  return table[(word >> (4u * place)) & 15u];
}

// Four neighbours, from place 4 · part.
fn codes4_of(word: u32, part: u32) -> vec4f {
  let four = word >> (16u * part);
  return vec4f(
    table[four & 15u], table[(four >> 4u) & 15u],
    table[(four >> 8u) & 15u], table[(four >> 12u) & 15u]);
}
