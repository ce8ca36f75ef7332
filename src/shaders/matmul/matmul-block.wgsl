// Matrix product for CPU adapters without subgroups: an invocation computes ROWS rows (8 or 16) × 16
// columns in registers, in blocks of 4 × 4. There a load costs as much as many multiply-adds, and
// four neighbours cost no more than one.

@compute @workgroup_size(16)
fn matmul_block(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + 15u) / 16u;
  let tile = 16u * workgroup_index(id, count) + local;
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let column = 16u * (tile % column_tiles);
  let row_tile = tile / column_tiles;
  let row = ROWS * (row_tile % row_tiles);
  let batch = row_tile / row_tiles;

  let depth = params.depth;
  let last = params.columns - 4u;
  let base = batch * params.weight_stride;
  let column_step = select(1u, params.pitch, TRANSPOSED);  // from one column to the next
  let depth_step = select(params.pitch, 1u, TRANSPOSED);   // from one depth to the next
  let w0 = base + column * column_step;
  let w1 = base + min(column + 4u, last) * column_step;
  let w2 = base + min(column + 8u, last) * column_step;
  let w3 = base + min(column + 12u, last) * column_step;

  // sumRC: 4 rows from row + 4R on (its columns), 4 columns from column + 4C on.
  var sum00 = mat4x4f();
  var sum01 = mat4x4f();
  var sum02 = mat4x4f();
  var sum03 = mat4x4f();
  var sum10 = mat4x4f();
  var sum11 = mat4x4f();
  var sum12 = mat4x4f();
  var sum13 = mat4x4f();
  var sum20 = mat4x4f();
  var sum21 = mat4x4f();
  var sum22 = mat4x4f();
  var sum23 = mat4x4f();
  var sum30 = mat4x4f();
  var sum31 = mat4x4f();
  var sum32 = mat4x4f();
  var sum33 = mat4x4f();
  for (var k = 0u; k < depth; k += 4u) {
    let at = k * depth_step;
    let weight0 = weight_block(w0 + at);
    let weight1 = weight_block(w1 + at);
    let weight2 = weight_block(w2 + at);
    let weight3 = weight_block(w3 + at);
    let x0 = x_block(batch, row, k);
    sum00 += weight0 * x0;
    sum01 += weight1 * x0;
    sum02 += weight2 * x0;
    sum03 += weight3 * x0;
    let x1 = x_block(batch, row + 4u, k);
    sum10 += weight0 * x1;
    sum11 += weight1 * x1;
    sum12 += weight2 * x1;
    sum13 += weight3 * x1;
    if (ROWS > 8u) {
      let x2 = x_block(batch, row + 8u, k);
      sum20 += weight0 * x2;
      sum21 += weight1 * x2;
      sum22 += weight2 * x2;
      sum23 += weight3 * x2;
      let x3 = x_block(batch, row + 12u, k);
      sum30 += weight0 * x3;
      sum31 += weight1 * x3;
      sum32 += weight2 * x3;
      sum33 += weight3 * x3;
    }
  }

  store_block(batch, row, column, sum00);
  store_block(batch, row, column + 4u, sum01);
  store_block(batch, row, column + 8u, sum02);
  store_block(batch, row, column + 12u, sum03);
  store_block(batch, row + 4u, column, sum10);
  store_block(batch, row + 4u, column + 4u, sum11);
  store_block(batch, row + 4u, column + 8u, sum12);
  store_block(batch, row + 4u, column + 12u, sum13);
  if (ROWS > 8u) {
    store_block(batch, row + 8u, column, sum20);
    store_block(batch, row + 8u, column + 4u, sum21);
    store_block(batch, row + 8u, column + 8u, sum22);
    store_block(batch, row + 8u, column + 12u, sum23);
    store_block(batch, row + 12u, column, sum30);
    store_block(batch, row + 12u, column + 4u, sum31);
    store_block(batch, row + 12u, column + 8u, sum32);
    store_block(batch, row + 12u, column + 12u, sum33);
  }
  if (HAS_BIAS || HAS_RESIDUAL || ACTIVATION != 0u) {
    finish_tile(batch, row, column, 16u);
  }
}
