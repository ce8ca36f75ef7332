// One query of one head over all its keys, or a part of them, on GPUs: a workgroup takes a key a thread,
// exchanges the softmax weights, then sums values a column a thread. The output accumulates in y itself.

var<workgroup> key_weights: array<f32, LANES>;

@compute @workgroup_size(GROUP)
fn attention_decode_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = workgroup_index(id, count);
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

  let begun = begin_row(batch, head, part, q0, y0, lane);
  var largest = begun.largest;
  var total = begun.total;

  for (var start = share.begin; start < keys; start += LANES) {
    let key = min(start + lane, keys - 1u);
    let seen = start + lane < keys && is_key(batch, key);
    let k0 = k_index(batch, key, head);
    var score = 0.0;
    for (var c = 0u; c < params.head_size; c += 1u) {
      score += q[q0 + c] * cache_at(k0 + c);
    }
    score = select(LOWEST, scores_of_keys(vec4f(score), batch, head, vec4u(key)).x, seen);

    // Online softmax: what was summed so far is rescaled to the new maximum.
    let new_largest = max(largest, max_over_row(score, lane));
    let rescale = exp(largest - new_largest);
    largest = new_largest;
    let weight = select(0.0, exp(score - largest), seen);
    key_weights[lane] = weight;
    total = total * rescale + sum_over_row(weight, lane);

    let block = min(LANES, keys - start);
    for (var c = lane; c < params.head_size; c += LANES) {
      var value = y[y0 + c] * rescale;
      for (var j = 0u; j < block; j += 1u) {
        value += key_weights[j] * cache_at(k_index(batch, start + j, head) + width + c);
      }
      y[y0 + c] = value;
    }
    workgroupBarrier();
  }
  end_row(y0, largest, total, lane);
}
