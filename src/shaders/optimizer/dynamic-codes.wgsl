// Numbers from 0 to 1 as codes of a byte or of seven bits ("8-bit Optimizers via Block-wise
// Quantization", Dettmers et al. 2022, arXiv 2110.02861, §1.3, "dynamic tree quantization"): decades from
// 1e-6 to 1, each with twice as many codes as the one below it. A code stands for the middle of its part
// of its decade; 0 for 0, and the greatest one for 1.

const DECADES = array<f32, 7>(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0);

// `least`: codes of the lowest decade. Codes from 1 on, those of decade d from least · 2^d on once
// least - 1 is added.
fn level_of(code: u32, least: u32) -> f32 {
  if (code == 0u) {
    return 0.0;
  }
  let place = code + least - 1u;
  let decade = firstLeadingBit(place / least);
  let parts = least << decade;
  return (0.1 + 0.9 * (f32(place - parts) + 0.5) / f32(parts)) * DECADES[decade];
}

// The code below `one` whose part a number from 0 to 1 lies in.
fn code_of(x: f32, least: u32) -> u32 {
  var decade = 0u;
  while (decade < 6u && x > DECADES[decade]) {
    decade += 1u;
  }
  let parts = least << decade;
  let part = (x / DECADES[decade] - 0.1) / 0.9 * f32(parts);
  return parts + u32(clamp(part, 0.0, f32(parts) - 1.0)) + 1u - least;
}

fn bytes_of(word: u32) -> vec4u {
  return (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
}

fn word_of(bytes: vec4u) -> u32 {
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

// Of four: a sign in the highest bit of each byte, and one code of seven bits, 127 for 1.
fn signed_levels(word: u32) -> vec4f {
  let bytes = bytes_of(word);
  var levels: vec4f;
  for (var i = 0u; i < 4u; i += 1u) {
    let code = bytes[i] & 127u;
    let level = select(level_of(code, 1u), 1.0, code == 127u);
    levels[i] = select(level, -level, bytes[i] > 127u);
  }
  return levels;
}

fn signed_codes(x: vec4f) -> u32 {
  var bytes: vec4u;
  for (var i = 0u; i < 4u; i += 1u) {
    let size = abs(x[i]);
    // Below half of the least level 0 is nearer.
    let code = select(code_of(size, 1u), 0u, size < 2.75e-7);
    bytes[i] = code | select(0u, 128u, x[i] < 0.0 && code > 0u);
  }
  return word_of(bytes);
}

// Of four: codes of eight bits, 255 for 1.
fn unsigned_levels(word: u32) -> vec4f {
  let codes = bytes_of(word);
  var levels: vec4f;
  for (var i = 0u; i < 4u; i += 1u) {
    levels[i] = select(level_of(codes[i], 2u), 1.0, codes[i] == 255u);
  }
  return levels;
}

// What is not 0 stays above 0: it stands in a denominator.
fn unsigned_codes(x: vec4f) -> u32 {
  var codes: vec4u;
  for (var i = 0u; i < 4u; i += 1u) {
    let code = select(code_of(x[i], 2u), 255u, x[i] > 0.99824);
    codes[i] = select(code, 0u, x[i] == 0.0);
  }
  return word_of(codes);
}
