// Codes that are places in a TABLE of 16, eight to a word.
const CODES = 8u;

fn code_of(word: u32, place: u32) -> f32 {
  var table = TABLE;
  return table[(word >> (4u * place)) & 15u];
}

// Four neighbours, from place 4 · part.
fn codes4_of(word: u32, part: u32) -> vec4f {
  var table = TABLE;
  let four = word >> (16u * part);
  return vec4f(
    table[four & 15u], table[(four >> 4u) & 15u],
    table[(four >> 8u) & 15u], table[(four >> 12u) & 15u]);
}
