// Matrix product for CPU adapters: ROWS rows (1, 2 or 4) × 8 columns (4 when GATED) in registers, no
// workgroup memory, no barriers. Without subgroups an invocation computes them alone; with them the 4
// LANES of one split the depth, four neighbours each, and add up at the end. What row-*.wgsl says of a row
// is said of such a tile here.

const DOTS = 8u;

@compute @workgroup_size(GROUP)
fn matmul_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + ROWS - 1u) / ROWS;
  let column_tiles = (params.columns + COLUMNS - 1u) / COLUMNS;
  let lane = local % LANES;
  let tile = row_of(workgroup_index(id, count), local);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let column = COLUMNS * (tile % column_tiles);
  let row_tile = tile / column_tiles;
  let row = ROWS * (row_tile % row_tiles);
  let batch = row_tile / row_tiles;

  // Rows and columns past the edge repeat the last one; `store` drops them.
  let depth = params.depth;
  let pitch = params.pitch;
  let last_row = params.rows - 1u;
  let x0 = (batch * params.rows + row) * params.x_pitch;
  let x1 = (batch * params.rows + min(row + 1u, last_row)) * params.x_pitch;
  let x2 = (batch * params.rows + min(row + 2u, last_row)) * params.x_pitch;
  let x3 = (batch * params.rows + min(row + 3u, last_row)) * params.x_pitch;
  let base = batch * params.weight_stride;
  let step = select(1u, pitch, TRANSPOSED);  // from one column to the next
  let w0 = base + weight_row(column, 0u) * step;
  let w1 = base + weight_row(column, 1u) * step;
  let w2 = base + weight_row(column, 2u) * step;
  let w3 = base + weight_row(column, 3u) * step;
  let w4 = base + weight_row(column, 4u) * step;
  let w5 = base + weight_row(column, 5u) * step;
  let w6 = base + weight_row(column, 6u) * step;
  let w7 = base + weight_row(column, 7u) * step;

  // Row i: columns 0 to 3 in low_i, columns 4 to 7 in high_i.
  var low0 = vec4f();
  var low1 = vec4f();
  var low2 = vec4f();
  var low3 = vec4f();
  var high0 = vec4f();
  var high1 = vec4f();
  var high2 = vec4f();
  var high3 = vec4f();
  let even_depth = depth & ~(4u * LANES - 1u);
  for (var k = 4u * lane; k < even_depth; k += 4u * LANES) {
    let low = mat4x4f(
      column4_at(w0, k, pitch), column4_at(w1, k, pitch),
      column4_at(w2, k, pitch), column4_at(w3, k, pitch));
    let high = mat4x4f(
      column4_at(w4, k, pitch), column4_at(w5, k, pitch),
      column4_at(w6, k, pitch), column4_at(w7, k, pitch));
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
  for (var k = even_depth + lane; k < depth; k += LANES) {
    let at = select(k * pitch, k, TRANSPOSED);
    let low = vec4f(
      weight_at(w0 + at), weight_at(w1 + at), weight_at(w2 + at), weight_at(w3 + at));
    let high = vec4f(
      weight_at(w4 + at), weight_at(w5 + at), weight_at(w6 + at), weight_at(w7 + at));
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

  // Lanes finish columns of their own. A loop, so that the long `store` is compiled once.
  var sums = array(low0, high0, low1, high1, low2, high2, low3, high3);
  var gates = vec4f();
  for (var i = 0u; i < 2u * ROWS; i += 1u) {
    let all = sum4_over_row(sums[i], lane);
    for (var j = lane; j < 4u; j += LANES) {
      if (!GATED) {
        store(batch, row + i / 2u, column + 4u * (i % 2u) + j, all[j]);
      } else if (i % 2u == 1u) {
        store_gated(batch, row + i / 2u, column + j, gates[j], all[j]);
      }
    }
    gates = all;
  }
}
