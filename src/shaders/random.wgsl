// Random numbers without a state: bits that depend on where they are drawn, and on nothing else.
// The hash is pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020).

// stream: seed, step, and the site of the list that draws; index: the place in what is drawn.
fn random_bits(stream: vec3u, index: u32) -> u32 {
  var state = stirred(vec4u(stream, index) * 1664525u + 1013904223u);
  state ^= state >> vec4u(16u);
  return stirred(state).w;
}

fn stirred(state: vec4u) -> vec4u {
  let x = state.x + state.y * state.w;
  let y = state.y + state.z * x;
  let z = state.z + x * y;
  return vec4u(x, y, z, state.w + y * z);
}
