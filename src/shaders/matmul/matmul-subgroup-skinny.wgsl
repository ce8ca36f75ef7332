// x·Wᵀ with few rows, for CPU adapters with 4-lane subgroups. A subgroup computes ROWS rows (1, 2 or
// 4) × 8 columns (4 when GATED); its lanes split the depth, four neighbours each, and add up at the end.

const DOTS = 8u;

@compute @workgroup_size(4)
fn matmul_subgroup_skinny(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + COLUMNS - 1u) / COLUMNS;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let row = ROWS * (tile % row_tiles);
  let column_tile = tile / row_tiles;
  let column = COLUMNS * (column_tile % column_tiles);
  let batch = column_tile / column_tiles;

  // Rows and columns past the edge repeat the last one; `store` drops them.
  let depth = params.depth;
  let last_row = params.rows - 1u;
  let x0 = (batch * params.rows + row) * params.x_pitch;
  let x1 = (batch * params.rows + min(row + 1u, last_row)) * params.x_pitch;
  let x2 = (batch * params.rows + min(row + 2u, last_row)) * params.x_pitch;
  let x3 = (batch * params.rows + min(row + 3u, last_row)) * params.x_pitch;
  let base = batch * params.weight_stride;
  let w0 = base + weight_row(column, 0u) * params.pitch;
  let w1 = base + weight_row(column, 1u) * params.pitch;
  let w2 = base + weight_row(column, 2u) * params.pitch;
  let w3 = base + weight_row(column, 3u) * params.pitch;
  let w4 = base + weight_row(column, 4u) * params.pitch;
  let w5 = base + weight_row(column, 5u) * params.pitch;
  let w6 = base + weight_row(column, 6u) * params.pitch;
  let w7 = base + weight_row(column, 7u) * params.pitch;

  // Row i: columns 0 to 3 in low_i, columns 4 to 7 in high_i.
  var low0 = vec4f();
  var low1 = vec4f();
  var low2 = vec4f();
  var low3 = vec4f();
  var high0 = vec4f();
  var high1 = vec4f();
  var high2 = vec4f();
  var high3 = vec4f();
  let even_depth = depth & ~15u;
  for (var k = 4u * lane; k < even_depth; k += 16u) {
    let low = mat4x4f(
      weight4_at(w0 + k), weight4_at(w1 + k), weight4_at(w2 + k), weight4_at(w3 + k));
    let high = mat4x4f(
      weight4_at(w4 + k), weight4_at(w5 + k), weight4_at(w6 + k), weight4_at(w7 + k));
    let row0 = x4_at(x0 + k);
    low0 += row0 * low;
    high0 += row0 * high;
    if (ROWS > 1u) {
      let row1 = x4_at(x1 + k);
      low1 += row1 * low;
      high1 += row1 * high;
    }
    if (ROWS > 2u) {
      let row2 = x4_at(x2 + k);
      low2 += row2 * low;
      high2 += row2 * high;
      let row3 = x4_at(x3 + k);
      low3 += row3 * low;
      high3 += row3 * high;
    }
  }
  for (var k = even_depth + lane; k < depth; k += 4u) {
    let low = vec4f(
      weight_at(w0 + k), weight_at(w1 + k), weight_at(w2 + k), weight_at(w3 + k));
    let high = vec4f(
      weight_at(w4 + k), weight_at(w5 + k), weight_at(w6 + k), weight_at(w7 + k));
    low0 += x[x0 + k] * low;
    high0 += x[x0 + k] * high;
    if (ROWS > 1u) {
      low1 += x[x1 + k] * low;
      high1 += x[x1 + k] * high;
    }
    if (ROWS > 2u) {
      low2 += x[x2 + k] * low;
      high2 += x[x2 + k] * high;
      low3 += x[x3 + k] * low;
      high3 += x[x3 + k] * high;
    }
  }

  // Each lane finishes two columns. A loop, so that the long `store` is compiled once.
  var sums = array(low0, high0, low1, high1, low2, high2, low3, high3);
  var gate = vec4f();
  for (var i = 0u; i < 2u * ROWS; i += 1u) {
    let sum = subgroupAdd(sums[i]);
    if (!GATED) {
      store(batch, row + i / 2u, column + 4u * (i % 2u) + lane, sum[lane]);
    } else if (i % 2u == 1u) {
      store_gated(batch, row + i / 2u, column + lane, gate[lane], sum[lane]);
    }
    gate = sum;
  }
}
