// Attention for CPU adapters without subgroups. An invocation takes 4 queries of one head through
// blocks of 8 keys; the output accumulates in y itself. Matrices hold a row a query and a column a key.

@compute @workgroup_size(16)
fn attention_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 3u) / 4u;
  let tile = 16u * workgroup_index(id, count) + local;
  if (tile >= params.batches * params.heads * row_tiles) {
    return;
  }
  let rows = 4u * (tile % row_tiles) + FOUR;
  let head = (tile / row_tiles) % params.heads;
  let batch = tile / row_tiles / params.heads;
  let q0 = q4_index(batch, rows, head);
  let y0 = y4_index(batch, rows, head);

  var largest = vec4f(score_of_sink(head));
  var total = vec4f(weight_of_sink());
  let begin = key_begin(batch, rows.x, 8u);
  let end = key_end(batch, rows.w + 1u);
  for (var start = begin; start < end; start += 8u) {
    let keys_a = start + FOUR;
    let keys_b = keys_a + 4u;
    let ka = k4_index(batch, keys_a, head);
    let kb = k4_index(batch, keys_b, head);
    var a = mat4x4f();
    var b = mat4x4f();
    for (var i = 0u; i < params.head_size; i += 1u) {
      let queries = vec4f(q[q0.x + i], q[q0.y + i], q[q0.z + i], q[q0.w + i]);
      a += mat4x4f(
        queries * k_at(ka.x + i), queries * k_at(ka.y + i),
        queries * k_at(ka.z + i), queries * k_at(ka.w + i));
      b += mat4x4f(
        queries * k_at(kb.x + i), queries * k_at(kb.y + i),
        queries * k_at(kb.z + i), queries * k_at(kb.w + i));
    }
    a = plus_positions(a, q0, ka, head, rows, keys_a);
    b = plus_positions(b, q0, kb, head, rows, keys_b);
    a = hide(a, batch, head, rows, keys_a);
    b = hide(b, batch, head, rows, keys_b);

    // Online softmax: what was summed so far is rescaled to the new maximum.
    let new_largest = max(largest, max(largest_of(a), largest_of(b)));
    let rescale = exp(largest - new_largest);
    largest = new_largest;
    a = weights_of(a, largest);
    b = weights_of(b, largest);
    total = total * rescale + (a + b) * vec4f(1.0);
    if (DROPOUT) {
      a = dropped(a, batch, head, rows, keys_a);
      b = dropped(b, batch, head, rows, keys_b);
    }

    // The last block also divides by the sum.
    var scale = vec4f(1.0);
    if (start + 8u >= end) {
      scale = vec4f(
        inverse_or_zero(total.x), inverse_or_zero(total.y),
        inverse_or_zero(total.z), inverse_or_zero(total.w));
    }
    let va = v4_index(batch, keys_a, head);
    let vb = v4_index(batch, keys_b, head);
    for (var i = 0u; i < params.head_size; i += 1u) {
      let at = y0 + i;
      var values =
        a * vec4f(v_at(va.x + i), v_at(va.y + i), v_at(va.z + i), v_at(va.w + i))
        + b * vec4f(v_at(vb.x + i), v_at(vb.y + i), v_at(vb.z + i), v_at(vb.w + i));
      if (start > begin) {
        values += vec4f(y[at.x], y[at.y], y[at.z], y[at.w]) * rescale;
      }
      values *= scale;
      y[at.x] = values.x;
      if (rows.y < params.queries) {
        y[at.y] = values.y;
      }
      if (rows.z < params.queries) {
        y[at.z] = values.z;
      }
      if (rows.w < params.queries) {
        y[at.w] = values.w;
      }
    }
  }
  for (var i = 0u; i < 4u && rows[i] < params.queries; i += 1u) {
    lse[lse_index(batch, rows[i], head)] = log_sum(largest[i], total[i]);
  }
}
