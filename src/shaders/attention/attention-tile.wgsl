// Attention for GPUs: a workgroup of 8 × 8 threads takes 32 queries through blocks of 32 keys. Heads
// are cut into CHUNKS pieces of 32 columns, so any head size fits into the same workgroup memory.
// A thread owns rows ty + 8i and columns tx + 8j, i and j below 4 (FlashAttention-2, arXiv 2307.08691).

const STRIDE = 33u;  // padded against bank conflicts

var<workgroup> left: array<f32, 32u * STRIDE>;   // a piece of q, then the softmax weights
var<workgroup> right: array<f32, 32u * STRIDE>;  // a piece of k or v
var<workgroup> stats: array<f32, 256>;           // (32 rows, 8 threads)

@compute @workgroup_size(64)
fn attention_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 31u) / 32u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * params.heads * row_tiles) {
    return;
  }
  let first_row = 32u * (tile % row_tiles);
  let head = (tile / row_tiles) % params.heads;
  let batch = tile / row_tiles / params.heads;
  let tx = local % 8u;
  let ty = local / 8u;

  var largest = vec4f(LOWEST);
  var total = vec4f();
  var output: array<array<vec4f, 4>, CHUNKS>;  // [chunk][i][j]
  let end = key_end(batch, first_row + 32u);
  for (var start = key_begin(batch, first_row, 32u); start < end; start += 32u) {
    var scores = array<vec4f, 4>();  // [i][j]
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 1024u; n += 64u) {
        let row = n / 32u;
        let column = 32u * chunk + n % 32u;
        let inside = column < params.head_size;
        let at = min(column, params.head_size - 1u);
        left[row * STRIDE + n % 32u] =
          select(0.0, q[q_index(batch, first_row + row, head) + at], inside);
        right[row * STRIDE + n % 32u] =
          select(0.0, k_at(k_index(batch, start + row, head) + at), inside);
      }
      workgroupBarrier();
      for (var c = 0u; c < 32u; c += 1u) {
        let keys = vec4f(
          right[tx * STRIDE + c], right[(tx + 8u) * STRIDE + c],
          right[(tx + 16u) * STRIDE + c], right[(tx + 24u) * STRIDE + c]);
        for (var i = 0u; i < 4u; i += 1u) {
          scores[i] += left[(ty + 8u * i) * STRIDE + c] * keys;
        }
      }
      workgroupBarrier();
    }

    // Mask, then the maximum of each row over all 8 threads that share it.
    let keys = start + vec4u(tx, tx + 8u, tx + 16u, tx + 24u);
    let present = vec4<bool>(
      is_key(batch, keys.x), is_key(batch, keys.y), is_key(batch, keys.z), is_key(batch, keys.w));
    for (var i = 0u; i < 4u; i += 1u) {
      let place = vec4u(place_of(batch, first_row + ty + 8u * i));
      let seen = present & in_sight(place, keys);
      scores[i] = select(vec4f(LOWEST), scores_of(scores[i], head, place, keys), seen);
      let m = max(scores[i].xy, scores[i].zw);
      stats[(ty + 8u * i) * 8u + tx] = max(m.x, m.y);
    }
    workgroupBarrier();
    var new_largest = largest;
    for (var t = 0u; t < 8u; t += 1u) {
      new_largest = max(new_largest, stats_of(ty, t));
    }
    let rescale = exp(largest - new_largest);
    largest = new_largest;
    workgroupBarrier();

    // Weights go to workgroup memory, their sums are exchanged as the maxima were.
    for (var i = 0u; i < 4u; i += 1u) {
      let row = ty + 8u * i;
      var weights =
        select(vec4f(), exp(scores[i] - largest[i]), scores[i] > vec4f(LOWEST));
      stats[row * 8u + tx] = dot(weights, vec4f(1.0));
      if (DROPOUT) {
        weights *= kept(batch, head, vec4u(first_row + row), keys);
      }
      left[row * STRIDE + tx] = weights.x;
      left[row * STRIDE + tx + 8u] = weights.y;
      left[row * STRIDE + tx + 16u] = weights.z;
      left[row * STRIDE + tx + 24u] = weights.w;
    }
    workgroupBarrier();
    total *= rescale;
    for (var t = 0u; t < 8u; t += 1u) {
      total += stats_of(ty, t);
    }

    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 1024u; n += 64u) {
        let row = n / 32u;
        let column = 32u * chunk + n % 32u;
        let at = min(column, params.head_size - 1u);
        right[row * STRIDE + n % 32u] =
          select(0.0, v_at(v_index(batch, start + row, head) + at), column < params.head_size);
      }
      workgroupBarrier();
      for (var i = 0u; i < 4u; i += 1u) {
        output[chunk][i] *= rescale[i];
      }
      for (var key = 0u; key < 32u; key += 1u) {
        let values = vec4f(
          right[key * STRIDE + tx], right[key * STRIDE + tx + 8u],
          right[key * STRIDE + tx + 16u], right[key * STRIDE + tx + 24u]);
        for (var i = 0u; i < 4u; i += 1u) {
          output[chunk][i] += left[(ty + 8u * i) * STRIDE + key] * values;
        }
      }
      workgroupBarrier();
    }
  }

  for (var i = 0u; i < 4u; i += 1u) {
    let row = first_row + ty + 8u * i;
    if (row >= params.queries) {
      continue;
    }
    let at = y_index(batch, row, head);
    let scale = inverse_or_zero(total[i]);
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var j = 0u; j < 4u; j += 1u) {
        let column = 32u * chunk + tx + 8u * j;
        if (column < params.head_size) {
          y[at + column] = output[chunk][i][j] * scale;
        }
      }
    }
    if (tx == 0u) {
      lse[lse_index(batch, row, head)] = log_sum(largest[i], total[i]);
    }
  }
}

// What thread t of each of this thread's four rows has contributed.
fn stats_of(ty: u32, t: u32) -> vec4f {
  return vec4f(
    stats[ty * 8u + t], stats[(ty + 8u) * 8u + t],
    stats[(ty + 16u) * 8u + t], stats[(ty + 24u) * 8u + t]);
}
