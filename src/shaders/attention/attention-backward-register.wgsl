// What both halves of attention's gradient share on CPU adapters: four rows of one head at a time.

const FOUR = vec4u(0u, 1u, 2u, 3u);

// Where the four rows begin.
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

fn q4_at(i: vec4u) -> vec4f {
  return vec4f(q[i.x], q[i.y], q[i.z], q[i.w]);
}

fn kv4_at(i: vec4u) -> vec4f {
  return vec4f(kv[i.x], kv[i.y], kv[i.z], kv[i.w]);
}

fn dy4_at(i: vec4u) -> vec4f {
  return vec4f(dy[i.x], dy[i.y], dy[i.z], dy[i.w]);
}

// A matrix with a row for each element of a and a column for each of b.
fn outer(a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(a * b.x, a * b.y, a * b.z, a * b.w);
}
