// Attention for CPU adapters without subgroups. An invocation takes 2 queries of one head through
// blocks of 8 keys; the output accumulates in y itself.

fn hide(scores: vec4f, batch: u32, key: u32, row: u32) -> vec4f {
  var seen = vec4<bool>(
    is_key(batch, key), is_key(batch, key + 1u), is_key(batch, key + 2u), is_key(batch, key + 3u));
  if (CAUSAL) {
    seen = seen & (vec4u(key, key + 1u, key + 2u, key + 3u) <= vec4u(row));
  }
  return select(vec4f(LOWEST), scores * params.scale, seen);
}

fn largest_of(a: vec4f, b: vec4f) -> f32 {
  let m = max(a, b);
  return max(max(m.x, m.y), max(m.z, m.w));
}

fn weights_of(scores: vec4f, largest: f32) -> vec4f {
  return select(vec4f(), exp(scores - largest), scores > vec4f(LOWEST));
}

@compute @workgroup_size(16)
fn attention_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 1u) / 2u;
  let tile = 16u * workgroup_index(id, count) + local;
  if (tile >= params.batches * params.heads * row_tiles) {
    return;
  }
  let row0 = 2u * (tile % row_tiles);
  let row1 = row0 + 1u;
  let head = (tile / row_tiles) % params.heads;
  let batch = tile / row_tiles / params.heads;
  let q0 = q_index(batch, row0, head);
  let q1 = q_index(batch, row1, head);
  let y0 = y_index(batch, row0, head);
  let y1 = y_index(batch, row1, head);

  var max0 = LOWEST;
  var max1 = LOWEST;
  var sum0 = 0.0;
  var sum1 = 0.0;
  let end = key_end(row0 + 2u);
  for (var start = 0u; start < end; start += 8u) {
    let ka = vec4u(
      k_index(batch, start, head), k_index(batch, start + 1u, head),
      k_index(batch, start + 2u, head), k_index(batch, start + 3u, head));
    let kb = vec4u(
      k_index(batch, start + 4u, head), k_index(batch, start + 5u, head),
      k_index(batch, start + 6u, head), k_index(batch, start + 7u, head));
    var a0 = vec4f();
    var b0 = vec4f();
    var a1 = vec4f();
    var b1 = vec4f();
    for (var i = 0u; i < params.head_size; i += 1u) {
      let query0 = q[q0 + i];
      let query1 = q[q1 + i];
      let a = vec4f(k[ka.x + i], k[ka.y + i], k[ka.z + i], k[ka.w + i]);
      let b = vec4f(k[kb.x + i], k[kb.y + i], k[kb.z + i], k[kb.w + i]);
      a0 += query0 * a;
      a1 += query1 * a;
      b0 += query0 * b;
      b1 += query1 * b;
    }
    a0 = hide(a0, batch, start, row0);
    b0 = hide(b0, batch, start + 4u, row0);
    a1 = hide(a1, batch, start, row1);
    b1 = hide(b1, batch, start + 4u, row1);

    // Online softmax: what was summed so far is rescaled to the new maximum.
    let new_max0 = max(max0, largest_of(a0, b0));
    let new_max1 = max(max1, largest_of(a1, b1));
    let rescale0 = exp(max0 - new_max0);
    let rescale1 = exp(max1 - new_max1);
    max0 = new_max0;
    max1 = new_max1;
    a0 = weights_of(a0, max0);
    b0 = weights_of(b0, max0);
    a1 = weights_of(a1, max1);
    b1 = weights_of(b1, max1);
    sum0 = sum0 * rescale0 + dot(a0 + b0, vec4f(1.0));
    sum1 = sum1 * rescale1 + dot(a1 + b1, vec4f(1.0));

    // The last block also divides by the sum.
    let is_last = start + 8u >= end;
    let scale0 = select(1.0, inverse_or_zero(sum0), is_last);
    let scale1 = select(1.0, inverse_or_zero(sum1), is_last);
    let va = vec4u(
      v_index(batch, start, head), v_index(batch, start + 1u, head),
      v_index(batch, start + 2u, head), v_index(batch, start + 3u, head));
    let vb = vec4u(
      v_index(batch, start + 4u, head), v_index(batch, start + 5u, head),
      v_index(batch, start + 6u, head), v_index(batch, start + 7u, head));
    for (var i = 0u; i < params.head_size; i += 1u) {
      let a = vec4f(v[va.x + i], v[va.y + i], v[va.z + i], v[va.w + i]);
      let b = vec4f(v[vb.x + i], v[vb.y + i], v[vb.z + i], v[vb.w + i]);
      var value0 = dot(a0, a) + dot(b0, b);
      var value1 = dot(a1, a) + dot(b1, b);
      if (start > 0u) {
        value0 += y[y0 + i] * rescale0;
        value1 += y[y1 + i] * rescale1;
      }
      y[y0 + i] = value0 * scale0;
      if (row1 < params.queries) {
        y[y1 + i] = value1 * scale1;
      }
    }
  }
  lse[lse_index(batch, row0, head)] = log_sum(max0, sum0);
  if (row1 < params.queries) {
    lse[lse_index(batch, row1, head)] = log_sum(max1, sum1);
  }
}
