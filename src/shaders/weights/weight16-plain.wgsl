// Vectors of weights that are no codes share nothing.
const SCALED = false;

fn scale_of(vector: u32) -> vec2f {
  return vec2f(1.0, 0.0);
}
