// Dropout of softmax weights. Whether a weight is kept depends on its place in (batches, heads,
// queries, keys), so that all kernels of an attention, forwards and backwards, agree.

// Factors of four weights: 0, or keep_scale.
fn kept(batch: u32, head: u32, rows: vec4u, keys: vec4u) -> vec4f {
  let first = (batch * params.heads + head) * params.queries;
  let places = (first + rows) * params.keys + keys;
  let stream = vec3u(state[0], state[1], params.site);
  let bits = vec4u(
    random_bits(stream, places.x), random_bits(stream, places.y),
    random_bits(stream, places.z), random_bits(stream, places.w));
  return select(vec4f(), vec4f(params.keep_scale), bits >= vec4u(params.drop_below));
}
