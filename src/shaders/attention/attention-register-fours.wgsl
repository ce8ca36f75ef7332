// Attention for CPU adapters without subgroups, where heads and rows begin at multiples of four: there four
// neighbours cost one load. An invocation takes 4 queries of one head through blocks of 8 keys; the output
// accumulates in y itself. Matrices hold a row a query and a column a key.

@compute @workgroup_size(16)
fn attention_register_fours(
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
    for (var i = 0u; i < params.head_size; i += 4u) {
      let queries = transpose(mat4x4f(
        q4_at(q0.x + i), q4_at(q0.y + i), q4_at(q0.z + i), q4_at(q0.w + i)));
      a += queries * mat4x4f(
        k4_at(ka.x + i), k4_at(ka.y + i), k4_at(ka.z + i), k4_at(ka.w + i));
      b += queries * mat4x4f(
        k4_at(kb.x + i), k4_at(kb.y + i), k4_at(kb.z + i), k4_at(kb.w + i));
    }
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
    a = transpose(a);
    b = transpose(b);
    for (var i = 0u; i < params.head_size; i += 4u) {
      var values =  // a column a query
        mat4x4f(v4_at(va.x + i), v4_at(va.y + i), v4_at(va.z + i), v4_at(va.w + i)) * a
        + mat4x4f(v4_at(vb.x + i), v4_at(vb.y + i), v4_at(vb.z + i), v4_at(vb.w + i)) * b;
      if (start > begin) {
        values += mat4x4f(
          y4_at(y0.x + i) * rescale.x, y4_at(y0.y + i) * rescale.y,
          y4_at(y0.z + i) * rescale.z, y4_at(y0.w + i) * rescale.w);
      }
      y[(y0.x + i) / 4u] = values[0] * scale.x;
      if (rows.y < params.queries) {
        y[(y0.y + i) / 4u] = values[1] * scale.y;
      }
      if (rows.z < params.queries) {
        y[(y0.z + i) / 4u] = values[2] * scale.z;
      }
      if (rows.w < params.queries) {
        y[(y0.w + i) / 4u] = values[3] * scale.w;
      }
    }
  }
  for (var i = 0u; i < 4u && rows[i] < params.queries; i += 1u) {
    lse[lse_index(batch, rows[i], head)] = log_sum(largest[i], total[i]);
  }
}

fn q4_at(i: u32) -> vec4f {
  return q[i / 4u];
}

fn y4_at(i: u32) -> vec4f {
  return y[i / 4u];
}
