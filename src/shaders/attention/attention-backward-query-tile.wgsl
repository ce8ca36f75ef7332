// The half of the queries for GPUs: dq = Σ ds · k. A workgroup owns 32 queries of one head and takes
// them through blocks of 32 keys.

@group(0) @binding(8) var<storage, read_write> dq: array<f32>;  // (batches, queries, q_pitch)

@compute @workgroup_size(64)
fn attention_backward_query_tile(
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
  let head = tile / row_tiles % params.heads;
  let batch = tile / row_tiles / params.heads;
  let tx = local % 8u;
  let ty = local / 8u;
  let rows = first_row + ty + EIGHTS;
  let log_sums = lse_of(batch, rows, head);
  let deltas = delta_of(batch, rows, head);

  var sums: array<Block, CHUNKS>;
  let end = key_end(first_row + 32u);
  for (var start = 0u; start < end; start += 32u) {
    var dp = Block();
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 1024u; n += 64u) {
        let place = n / 32u * STRIDE + n % 32u;
        let column = 32u * chunk + n % 32u;
        left[place] = dy_at(batch, first_row + n / 32u, head, column);
        right[place] = v_at(batch, start + n / 32u, head, column);
      }
      workgroupBarrier();
      dp = plus_product_transposed(dp, tx, ty);
      workgroupBarrier();
    }
    var scores = Block();
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var n = local; n < 1024u; n += 64u) {
        let place = n / 32u * STRIDE + n % 32u;
        let column = 32u * chunk + n % 32u;
        left[place] = q_at(batch, first_row + n / 32u, head, column);
        right[place] = k_at(batch, start + n / 32u, head, column);
      }
      workgroupBarrier();
      scores = plus_product_transposed(scores, tx, ty);
      workgroupBarrier();
    }

    let keys = start + tx + EIGHTS;
    let present = are_keys(batch, keys);
    for (var i = 0u; i < 4u; i += 1u) {
      let row = vec4u(rows[i]);
      let weights = weights_of(scores[i], vec4f(log_sums[i]), present, row, keys);
      if (DROPOUT) {
        dp[i] *= kept(batch, head, row, keys);
      }
      put_left(ty + 8u * i, tx, weights * (dp[i] - deltas[i]) * params.scale);
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      // A head of one piece stands in `right` already.
      if (CHUNKS > 1u) {
        for (var n = local; n < 1024u; n += 64u) {
          right[n / 32u * STRIDE + n % 32u] =
            k_at(batch, start + n / 32u, head, 32u * chunk + n % 32u);
        }
        workgroupBarrier();
      }
      sums[chunk] = plus_product(sums[chunk], tx, ty);
      workgroupBarrier();
    }
  }

  for (var i = 0u; i < 4u; i += 1u) {
    if (rows[i] >= params.queries) {
      continue;
    }
    let at = q_index(batch, rows[i], head);
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var j = 0u; j < 4u; j += 1u) {
        let column = 32u * chunk + tx + 8u * j;
        if (column < params.head_size) {
          dq[at + column] = sums[chunk][i][j];
        }
      }
    }
  }
}
