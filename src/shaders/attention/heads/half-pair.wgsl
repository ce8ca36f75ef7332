// Two numbers as f16 in a word. What f16 cannot hold stays at its ends, and `spill` tells: all that write it
// write the same.

fn half_pair(low: f32, high: f32) -> u32 {
  let pair = vec2f(low, high);
  let held = clamp(pair, vec2f(-65504.0), vec2f(65504.0));
  if (any(held != pair)) {
    spill[0] = 1u;
  }
  return pack2x16float(held);
}
