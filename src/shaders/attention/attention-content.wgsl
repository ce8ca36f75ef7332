// Scores of q·k alone: nothing is added to the products, in whichever form a kernel has them. See
// attention-positions.

const RIGHT_ROWS = 32u;

fn plus_positions_tile(s: mat4x4f, batch: u32, head: u32, row: u32, start: u32, local: u32) -> mat4x4f {
  return s;
}

fn plus_positions(s: mat4x4f, q0: vec4u, k0: vec4u, head: u32, rows: vec4u, keys: vec4u) -> mat4x4f {
  return s;
}

fn plus_position(s: f32, q0: u32, k0: u32, head: u32, query: u32, key: u32) -> f32 {
  return s;
}
