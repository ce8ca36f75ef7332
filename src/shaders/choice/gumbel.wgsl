// Noise that turns argmax into sampling: the column with the largest x + noise follows softmax(x),
// and the k largest are k draws without replacement. Gumbel-max, Maddison et al., "A* Sampling",
// NIPS 2014; Kool et al., "Stochastic Beams and Where to Find Them", ICML 2019.

// -log(-log(u)) for u drawn between 0 and 1; stream: seed, step and the number of a sequence.
fn gumbel(stream: vec3u, column: u32) -> f32 {
  let bits = random_bits(stream, column);
  // u, or where that is above ½ the rest 1 - u: each is exact to a relative rounding.
  let is_upper = bits >= 0x80000000u;
  let part = (f32(select(bits, ~bits, is_upper)) + 0.5) * 0x1p-32;
  // There -log(1 - part) = 2 artanh(part / (2 - part)), as a series: log is imprecise near 1.
  let z = part / (2.0 - part);
  let s = z * z;
  var series = 1.0 / 15.0;
  series = series * s + 1.0 / 13.0;
  series = series * s + 1.0 / 11.0;
  series = series * s + 1.0 / 9.0;
  series = series * s + 1.0 / 7.0;
  series = series * s + 0.2;
  series = series * s + 1.0 / 3.0;
  series = series * s + 1.0;
  return -log(select(-log(part), 2.0 * z * series, is_upper));
}
