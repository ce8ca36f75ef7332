// Codes from 0 to 15, eight to a word.
const CODES = 8u;

fn code_of(word: u32, place: u32) -> f32 {
  return f32((word >> (4u * place)) & 15u);
}

// Four neighbours, from place 4 · part.
fn codes4_of(word: u32, part: u32) -> vec4f {
  return vec4f((vec4u(word >> (16u * part)) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u));
}
