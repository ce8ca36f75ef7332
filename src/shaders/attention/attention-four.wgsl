// Four neighbouring rows of one head, on CPU adapters: where each of them begins.

const FOUR = vec4u(0u, 1u, 2u, 3u);

fn q4_index(batch: u32, rows: vec4u, head: u32) -> vec4u {
  return vec4u(
    q_index(batch, rows.x, head), q_index(batch, rows.y, head),
    q_index(batch, rows.z, head), q_index(batch, rows.w, head));
}

fn k4_index(batch: u32, keys: vec4u, head: u32) -> vec4u {
  return vec4u(
    k_index(batch, keys.x, head), k_index(batch, keys.y, head),
    k_index(batch, keys.z, head), k_index(batch, keys.w, head));
}

fn v4_index(batch: u32, keys: vec4u, head: u32) -> vec4u {
  return vec4u(
    v_index(batch, keys.x, head), v_index(batch, keys.y, head),
    v_index(batch, keys.z, head), v_index(batch, keys.w, head));
}

fn y4_index(batch: u32, rows: vec4u, head: u32) -> vec4u {
  return vec4u(
    y_index(batch, rows.x, head), y_index(batch, rows.y, head),
    y_index(batch, rows.z, head), y_index(batch, rows.w, head));
}
