// One query of one head over all its keys, or a part of them, on CPU adapters: the lanes of a row split the
// columns. Keys are taken 8 at a time; the output accumulates in y itself.

@compute @workgroup_size(GROUP)
fn attention_decode_row(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let index = row_of(workgroup_index(id, count), local);
  let row = index / params.parts;
  let part = index % params.parts;
  if (row >= params.batches * params.heads) {
    return;
  }
  let batch = row / params.heads;
  let head = row % params.heads;
  let q0 = batch * params.q_pitch + params.q_start + head * params.head_size;
  let y0 = place_in_y(row, part);
  let share = share_of(batch, part);
  let keys = share.end;
  let width = key_width();
  let last = max(keys, 1u) - 1u;

  let begun = begin_row(batch, head, part, q0, y0, lane);
  var largest = begun.largest;
  var total = begun.total;

  for (var start = share.begin; start < keys; start += 8u) {
    var near = vec4f();
    var far = vec4f();
    let k0 = k_index(batch, start, head);
    let k1 = k_index(batch, min(start + 1u, last), head);
    let k2 = k_index(batch, min(start + 2u, last), head);
    let k3 = k_index(batch, min(start + 3u, last), head);
    let k4 = k_index(batch, min(start + 4u, last), head);
    let k5 = k_index(batch, min(start + 5u, last), head);
    let k6 = k_index(batch, min(start + 6u, last), head);
    let k7 = k_index(batch, min(start + 7u, last), head);
    for (var c = lane; c < params.head_size; c += LANES) {
      let query = q[q0 + c];
      near += query * vec4f(cache_at(k0 + c), cache_at(k1 + c), cache_at(k2 + c), cache_at(k3 + c));
      far += query * vec4f(cache_at(k4 + c), cache_at(k5 + c), cache_at(k6 + c), cache_at(k7 + c));
    }
    near = scored(sum4_over_row(near, lane), batch, head, start, keys);
    far = scored(sum4_over_row(far, lane), batch, head, start + 4u, keys);

    // Online softmax: what was summed so far is rescaled to the new maximum.
    let most = max(near, far);
    let new_largest = max(largest, max(max(most.x, most.y), max(most.z, most.w)));
    let rescale = exp(largest - new_largest);
    largest = new_largest;
    near = select(vec4f(), exp(near - largest), near > vec4f(LOWEST));
    far = select(vec4f(), exp(far - largest), far > vec4f(LOWEST));
    total = total * rescale + dot(near + far, vec4f(1.0));

    for (var c = lane; c < params.head_size; c += LANES) {
      let v = width + c;
      y[y0 + c] = y[y0 + c] * rescale
        + dot(near, vec4f(cache_at(k0 + v), cache_at(k1 + v), cache_at(k2 + v), cache_at(k3 + v)))
        + dot(far, vec4f(cache_at(k4 + v), cache_at(k5 + v), cache_at(k6 + v), cache_at(k7 + v)));
    }
  }
  end_row(y0, largest, total, lane);
}

// The scores of four keys from `key` on; those that are hidden or past the end get LOWEST.
fn scored(products: vec4f, batch: u32, head: u32, key: u32, keys: u32) -> vec4f {
  let last = keys - 1u;
  let seen = vec4<bool>(
    key < keys && is_key(batch, min(key, last)),
    key + 1u < keys && is_key(batch, min(key + 1u, last)),
    key + 2u < keys && is_key(batch, min(key + 2u, last)),
    key + 3u < keys && is_key(batch, min(key + 3u, last)));
  let scores = scores_of_keys(products, batch, head, key + vec4u(0u, 1u, 2u, 3u));
  return select(vec4f(LOWEST), scores, seen);
}
