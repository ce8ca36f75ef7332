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
  let of_rows = sums_of(batch, rows, head);

  var slopes: array<Block, CHUNKS>;
  let end = key_end(first_row + 32u);
  for (var start = key_begin(first_row); start < end; start += 32u) {
    let dp = products(SLOPES, VALUES, batch, head, first_row, start, local);
    let with_keys = products(QUERIES, KEYS, batch, head, first_row, start, local);

    let keys = start + tx + EIGHTS;
    let present = are_keys(batch, keys);
    for (var i = 0u; i < 4u; i += 1u) {
      let row = vec4u(rows[i]);
      let own = Sums(vec4f(of_rows.lse[i]), vec4f(of_rows.delta[i]));
      let pairs = pairs_of(with_keys[i], dp[i], own, present, batch, head, row, keys);
      put_left(ty + 8u * i, tx, pairs.ds);
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      // A head of one piece stands in `right` already.
      if (CHUNKS > 1u) {
        fill_right(KEYS, batch, head, start, chunk, local);
        workgroupBarrier();
      }
      slopes[chunk] = plus_product(slopes[chunk], tx, ty);
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
          dq[at + column] = slopes[chunk][i][j];
        }
      }
    }
  }
}
