// Codes in E4M3, four to a word: sign, 4 bits of exponent (bias 7), 3 of mantissa. "FP8 Formats for Deep
// Learning" (Micikevicius et al., 2022, arXiv 2209.05433), section 3.
const CODES = 4u;

fn e4m3(code: vec4u) -> vec4f {
  let size = code & vec4u(127u);
  // The exponents of f32 from 121 on; below the smallest normal number, eighths of it.
  let normal = bitcast<vec4f>((size << vec4u(20u)) + vec4u(120u << 23u));
  let value = select(normal, vec4f(size) * 0.001953125, size < vec4u(8u));
  return select(value, -value, code > vec4u(127u));
}

fn code_of(word: u32, place: u32) -> f32 {
  return e4m3(vec4u((word >> (8u * place)) & 255u)).x;
}

fn codes4_of(word: u32, part: u32) -> vec4f {
  return e4m3(unpack4xU8(word));
}
