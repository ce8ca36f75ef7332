// The runtime folds workgroup counts above 65535 into y; this is the linear index again.
fn workgroup_index(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
