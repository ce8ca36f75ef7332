// Codes from 0 to 255, four to a word.
const CODES = 4u;

fn code_of(word: u32, place: u32) -> f32 {
  return f32((word >> (8u * place)) & 255u);
}

fn codes4_of(word: u32, part: u32) -> vec4f {
  return vec4f(unpack4xU8(word));
}
