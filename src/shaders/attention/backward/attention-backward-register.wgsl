// What both halves of attention's gradient share on CPU adapters: four rows of one head at a time.

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
