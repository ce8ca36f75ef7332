// Attention for GPUs: a workgroup of 8 × 8 threads takes 32 queries through blocks of 32 keys. Heads are cut
// into CHUNKS pieces of 32 columns, so any head size fits into the same workgroup memory, which is read and
// written by vectors of four neighbours. A thread owns rows ty + 8i, keys 4tx + j and columns 4tx + j of each
// piece, i and j below 4 (FlashAttention-2, arXiv 2307.08691).

const STRIDE = 9u;  // vectors from one row of a piece to the next, padded against bank conflicts

var<workgroup> left: array<vec4f, 32u * STRIDE>;   // a piece of q, then the softmax weights
var<workgroup> right: array<vec4f, RIGHT_ROWS * STRIDE>;  // a piece of k or v, or of positions
var<workgroup> stats: array<f32, 256>;             // (32 rows, 8 threads)

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

  var largest = vec4f(score_of_sink(head));
  var total = vec4f(weight_of_sink());
  var output: array<mat4x4f, CHUNKS>;  // [chunk][i][j]
  let end = key_end(batch, first_row + 32u);
  for (var start = key_begin(batch, first_row, 32u); start < end; start += 32u) {
    var scores = mat4x4f();  // [i][j]
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 256u; n += 64u) {
        let row = n / 8u;
        let column = 32u * chunk + n % 8u * 4u;
        left[row * STRIDE + n % 8u] = q_columns(q_index(batch, first_row + row, head), column);
        // Neighbouring threads read every fourth key: these lie side by side.
        let place = row % 4u * 8u + row / 4u;
        right[place * STRIDE + n % 8u] = k_columns(k_index(batch, start + row, head), column);
      }
      workgroupBarrier();
      for (var c = 0u; c < 8u; c += 1u) {
        let keys = mat4x4f(
          right[tx * STRIDE + c], right[(tx + 8u) * STRIDE + c],
          right[(tx + 16u) * STRIDE + c], right[(tx + 24u) * STRIDE + c]);
        scores[0] += left[ty * STRIDE + c] * keys;
        scores[1] += left[(ty + 8u) * STRIDE + c] * keys;
        scores[2] += left[(ty + 16u) * STRIDE + c] * keys;
        scores[3] += left[(ty + 24u) * STRIDE + c] * keys;
      }
      workgroupBarrier();
    }
    scores = plus_positions_tile(scores, batch, head, first_row, start, local);

    // Mask, then the maximum of each row over all 8 threads that share it.
    let keys = start + 4u * tx + vec4u(0u, 1u, 2u, 3u);
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
      left[row * STRIDE + tx] = weights;
    }
    workgroupBarrier();
    total *= rescale;
    for (var t = 0u; t < 8u; t += 1u) {
      total += stats_of(ty, t);
    }

    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 256u; n += 64u) {
        let row = n / 8u;
        let column = 32u * chunk + n % 8u * 4u;
        right[row * STRIDE + n % 8u] = v_columns(v_index(batch, start + row, head), column);
      }
      workgroupBarrier();
      var sums = output[chunk];
      sums[0] *= rescale.x;
      sums[1] *= rescale.y;
      sums[2] *= rescale.z;
      sums[3] *= rescale.w;
      for (var key = 0u; key < 8u; key += 1u) {
        let at = 4u * key * STRIDE + tx;
        let values = mat4x4f(
          right[at], right[at + STRIDE], right[at + 2u * STRIDE], right[at + 3u * STRIDE]);
        sums[0] += values * left[ty * STRIDE + key];
        sums[1] += values * left[(ty + 8u) * STRIDE + key];
        sums[2] += values * left[(ty + 16u) * STRIDE + key];
        sums[3] += values * left[(ty + 24u) * STRIDE + key];
      }
      output[chunk] = sums;
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
      store_columns(at, 32u * chunk + 4u * tx, output[chunk][i] * scale);
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
