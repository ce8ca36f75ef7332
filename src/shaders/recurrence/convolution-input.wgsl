// What a convolution sees of a channel of a token: a product of two parts of it where GATED. For kernels
// with `pitch` and `channels` among their params, x (…, pitch) among their bindings.

fn input_of(row: u32, channel: u32) -> f32 {
  let at = row * params.pitch + channel;
  if (GATED) {
    return x[at] * x[at + 2u * params.channels];
  }
  return x[at];
}
