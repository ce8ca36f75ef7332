// Attention for CPU adapters with 4-lane subgroups. A subgroup takes 8 queries through blocks of
// 16 keys. Each lane owns two queries, holds one key of every four, and sees the others by quad
// swaps, so softmax needs no exchange at all. The output accumulates in y itself.

fn across(value: f32) -> vec4f {
  return vec4f(value, quadSwapX(value), quadSwapY(value), quadSwapDiagonal(value));
}

// The keys of a group of four as a lane sees them.
fn keys_of(first: u32, lane: u32) -> vec4u {
  return first + vec4u(lane, lane ^ 1u, lane ^ 2u, lane ^ 3u);
}

fn hide(products: vec4f, present: vec4f, batch: u32, head: u32, keys: vec4u, row: u32) -> vec4f {
  let place = vec4u(place_of(batch, row));
  let seen = (present > vec4f()) & in_sight(place, keys);
  return select(vec4f(LOWEST), scores_of(products, head, place, keys), seen);
}

fn largest_of(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> f32 {
  let m = max(max(a, b), max(c, d));
  return max(max(m.x, m.y), max(m.z, m.w));
}

fn weights_of(scores: vec4f, largest: f32) -> vec4f {
  return select(vec4f(), exp(scores - largest), scores > vec4f(LOWEST));
}

fn total_of(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> f32 {
  return dot(a + b + c + d, vec4f(1.0));
}

@compute @workgroup_size(4)
fn attention_subgroup(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.queries + 7u) / 8u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * params.heads * row_tiles) {
    return;
  }
  let first_row = 8u * (tile % row_tiles);
  let head = (tile / row_tiles) % params.heads;
  let batch = tile / row_tiles / params.heads;
  let row0 = first_row + lane;
  let row1 = row0 + 4u;
  let q0 = q_index(batch, row0, head);
  let q1 = q_index(batch, row1, head);
  let y0 = y_index(batch, row0, head);
  let y1 = y_index(batch, row1, head);

  var max0 = score_of_sink(head);
  var max1 = max0;
  var sum0 = weight_of_sink();
  var sum1 = sum0;
  let begin = key_begin(batch, first_row, 16u);
  let end = key_end(batch, first_row + 8u);
  for (var start = begin; start < end; start += 16u) {
    let ka = k_index(batch, start + lane, head);
    let kb = k_index(batch, start + 4u + lane, head);
    let kc = k_index(batch, start + 8u + lane, head);
    let kd = k_index(batch, start + 12u + lane, head);
    var a0 = vec4f();
    var b0 = vec4f();
    var c0 = vec4f();
    var d0 = vec4f();
    var a1 = vec4f();
    var b1 = vec4f();
    var c1 = vec4f();
    var d1 = vec4f();
    for (var i = 0u; i < params.head_size; i += 1u) {
      let query0 = q[q0 + i];
      let query1 = q[q1 + i];
      let a = across(k_at(ka + i));
      let b = across(k_at(kb + i));
      let c = across(k_at(kc + i));
      let d = across(k_at(kd + i));
      a0 += query0 * a;
      a1 += query1 * a;
      b0 += query0 * b;
      b1 += query1 * b;
      c0 += query0 * c;
      c1 += query1 * c;
      d0 += query0 * d;
      d1 += query1 * d;
    }

    let has_a = across(select(0.0, 1.0, is_key(batch, start + lane)));
    let has_b = across(select(0.0, 1.0, is_key(batch, start + 4u + lane)));
    let has_c = across(select(0.0, 1.0, is_key(batch, start + 8u + lane)));
    let has_d = across(select(0.0, 1.0, is_key(batch, start + 12u + lane)));
    let keys_a = keys_of(start, lane);
    let keys_b = keys_of(start + 4u, lane);
    let keys_c = keys_of(start + 8u, lane);
    let keys_d = keys_of(start + 12u, lane);
    a0 = hide(a0, has_a, batch, head, keys_a, row0);
    b0 = hide(b0, has_b, batch, head, keys_b, row0);
    c0 = hide(c0, has_c, batch, head, keys_c, row0);
    d0 = hide(d0, has_d, batch, head, keys_d, row0);
    a1 = hide(a1, has_a, batch, head, keys_a, row1);
    b1 = hide(b1, has_b, batch, head, keys_b, row1);
    c1 = hide(c1, has_c, batch, head, keys_c, row1);
    d1 = hide(d1, has_d, batch, head, keys_d, row1);

    // Online softmax: what was summed so far is rescaled to the new maximum.
    let new_max0 = max(max0, largest_of(a0, b0, c0, d0));
    let new_max1 = max(max1, largest_of(a1, b1, c1, d1));
    let rescale0 = exp(max0 - new_max0);
    let rescale1 = exp(max1 - new_max1);
    max0 = new_max0;
    max1 = new_max1;
    a0 = weights_of(a0, max0);
    b0 = weights_of(b0, max0);
    c0 = weights_of(c0, max0);
    d0 = weights_of(d0, max0);
    a1 = weights_of(a1, max1);
    b1 = weights_of(b1, max1);
    c1 = weights_of(c1, max1);
    d1 = weights_of(d1, max1);
    sum0 = sum0 * rescale0 + total_of(a0, b0, c0, d0);
    sum1 = sum1 * rescale1 + total_of(a1, b1, c1, d1);
    if (DROPOUT) {
      a0 *= kept(batch, head, vec4u(row0), keys_a);
      b0 *= kept(batch, head, vec4u(row0), keys_b);
      c0 *= kept(batch, head, vec4u(row0), keys_c);
      d0 *= kept(batch, head, vec4u(row0), keys_d);
      a1 *= kept(batch, head, vec4u(row1), keys_a);
      b1 *= kept(batch, head, vec4u(row1), keys_b);
      c1 *= kept(batch, head, vec4u(row1), keys_c);
      d1 *= kept(batch, head, vec4u(row1), keys_d);
    }

    // The last block also divides by the sum.
    let is_last = start + 16u >= end;
    let scale0 = select(1.0, inverse_or_zero(sum0), is_last);
    let scale1 = select(1.0, inverse_or_zero(sum1), is_last);
    let va = v_index(batch, start + lane, head);
    let vb = v_index(batch, start + 4u + lane, head);
    let vc = v_index(batch, start + 8u + lane, head);
    let vd = v_index(batch, start + 12u + lane, head);
    for (var i = 0u; i < params.head_size; i += 1u) {
      let a = across(v_at(va + i));
      let b = across(v_at(vb + i));
      let c = across(v_at(vc + i));
      let d = across(v_at(vd + i));
      var value0 = dot(a0, a) + dot(b0, b) + dot(c0, c) + dot(d0, d);
      var value1 = dot(a1, a) + dot(b1, b) + dot(c1, c) + dot(d1, d);
      if (start > begin) {
        value0 += y[y0 + i] * rescale0;
        value1 += y[y1 + i] * rescale1;
      }
      if (row0 < params.queries) {
        y[y0 + i] = value0 * scale0;
      }
      if (row1 < params.queries) {
        y[y1 + i] = value1 * scale1;
      }
    }
  }
  if (row0 < params.queries) {
    lse[lse_index(batch, row0, head)] = log_sum(max0, sum0);
  }
  if (row1 < params.queries) {
    lse[lse_index(batch, row1, head)] = log_sum(max1, sum1);
  }
}
