// Matrix product for CPU adapters with subgroups of 8 and more: a workgroup computes ROWS rows (8 or
// 16) × 64 columns, an invocation 4 of these, in registers, in blocks of 4 × 4. What all invocations
// of a workgroup read alike costs these drivers hardly anything where no branch depends on the
// invocation, so they share their rows of x.

@compute @workgroup_size(16)
fn matmul_lanes(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // Tiles below each other follow each other: they read the same columns of W.
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + 63u) / 64u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let row = ROWS * (tile % row_tiles);
  let column_tile = tile / row_tiles;
  let column = 64u * (column_tile % column_tiles) + 4u * lane;
  let batch = column_tile / column_tiles;

  // Columns past the edge repeat the last ones; they are dropped.
  let column_step = select(1u, params.pitch, TRANSPOSED);  // from one column to the next
  let depth_step = select(params.pitch, 1u, TRANSPOSED);   // from one depth to the next
  let w = batch * params.weight_stride + min(column, params.columns - 4u) * column_step;

  // 4 rows each (the columns of a sum), from row, row + 4, row + 8 and row + 12 on.
  var sum0 = mat4x4f();
  var sum1 = mat4x4f();
  var sum2 = mat4x4f();
  var sum3 = mat4x4f();
  for (var k = 0u; k < params.depth; k += 4u) {
    let weight = weight_block(w + k * depth_step);
    sum0 += weight * x_block(batch, row, k);
    sum1 += weight * x_block(batch, row + 4u, k);
    if (ROWS > 8u) {
      sum2 += weight * x_block(batch, row + 8u, k);
      sum3 += weight * x_block(batch, row + 12u, k);
    }
  }

  store_block(batch, row, column, sum0);
  store_block(batch, row + 4u, column, sum1);
  if (ROWS > 8u) {
    store_block(batch, row + 8u, column, sum2);
    store_block(batch, row + 12u, column, sum3);
  }
  if (HAS_BIAS || HAS_RESIDUAL || ACTIVATION != 0u) {
    finish_tile(batch, row, column, 4u);
  }
}
