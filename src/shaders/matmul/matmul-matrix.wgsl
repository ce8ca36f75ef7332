// Matrix product on subgroup matrices of f16 that add up in f32, for weights that are stored as f16. x keeps
// its precision: scaled by row (matmul-scale), it is the sum of two numbers of f16, which are multiplied one
// after the other. 4 subgroups of LANES share a tile, two above two; each holds HIGH × WIDE matrices, M × N.
// Both operands come in pieces of 16 depths by way of workgroup memory. SPLITS as in matmul-tile.

const HIGH = 32u / M;
const WIDE = 4u;
const TILE_ROWS = 64u;
const TILE_COLUMNS = 8u * N;
const THREADS = 4u * LANES;
const DEPTH = 16u;
const STRIDE = DEPTH + 8u;  // padded against bank conflicts
// W as it lies in memory: a row a column of the tile, or a row a depth.
const W_STRIDE = select(TILE_COLUMNS + 8u, STRIDE, TRANSPOSED);
const W_ROWS = select(DEPTH, TILE_COLUMNS, TRANSPOSED);
const W_FOURS = select(TILE_COLUMNS, DEPTH, TRANSPOSED) / 4u;

var<workgroup> x_high: array<f16, TILE_ROWS * STRIDE>;
var<workgroup> x_low: array<f16, TILE_ROWS * STRIDE>;
var<workgroup> w_piece: array<f16, W_ROWS * W_STRIDE>;
var<workgroup> results: array<f32, 4u * M * N>;

@group(0) @binding(6) var<storage, read> scale: array<f32>;  // (batches, rows, 2), the second the inverse

@compute @workgroup_size(THREADS)
fn matmul_matrix(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let row_tiles = (params.rows + TILE_ROWS - 1u) / TILE_ROWS;
  let column_tiles = (params.columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let index = workgroup_index(id, count);
  if (index >= SPLITS * params.batches * row_tiles * column_tiles) {
    return;
  }
  let column = TILE_COLUMNS * (index % column_tiles);
  let row_tile = index / column_tiles;
  let row = TILE_ROWS * (row_tile % row_tiles);
  let slice_batch = row_tile / row_tiles;  // (SPLITS, batches)
  let batch = slice_batch % params.batches;
  let share = params.depth / SPLITS;
  let begin = slice_batch / params.batches * share;
  let left = subgroup / 2u * HIGH * M * STRIDE;
  let first_right = subgroup % 2u * WIDE * N;

  var sums: array<array<subgroup_matrix_result<f32, N, M>, WIDE>, HIGH>;
  for (var start = begin; start < begin + share; start += DEPTH) {
    for (var i = local; i < TILE_ROWS * DEPTH / 4u; i += THREADS) {
      bring_x(batch, row, start, i);
    }
    for (var i = local; i < W_ROWS * W_FOURS; i += THREADS) {
      bring_w(batch, column, start, i);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += K) {
      var w: array<subgroup_matrix_right<f16, N, K>, WIDE>;
      for (var j = 0u; j < WIDE; j += 1u) {
        let across = first_right + j * N;
        let at = select(k * W_STRIDE + across, across * W_STRIDE + k, TRANSPOSED);
        w[j] = subgroupMatrixLoad<subgroup_matrix_right<f16, N, K>>(&w_piece, at, TRANSPOSED, W_STRIDE);
      }
      for (var m = 0u; m < HIGH; m += 1u) {
        let at = left + m * M * STRIDE + k;
        let high = subgroupMatrixLoad<subgroup_matrix_left<f16, K, M>>(&x_high, at, false, STRIDE);
        let low = subgroupMatrixLoad<subgroup_matrix_left<f16, K, M>>(&x_low, at, false, STRIDE);
        for (var n = 0u; n < WIDE; n += 1u) {
          sums[m][n] = subgroupMatrixMultiplyAccumulate(low, w[n], sums[m][n]);
          sums[m][n] = subgroupMatrixMultiplyAccumulate(high, w[n], sums[m][n]);
        }
      }
    }
    workgroupBarrier();
  }

  // Results leave one matrix of each subgroup at a time: only their places tell which are past an edge.
  let part = local / LANES;
  for (var m = 0u; m < HIGH; m += 1u) {
    for (var n = 0u; n < WIDE; n += 1u) {
      subgroupMatrixStore(&results, subgroup * M * N, sums[m][n], false, N);
      workgroupBarrier();
      for (var i = local % LANES; i < M * N / 4u; i += LANES) {
        let y_row = row + (part / 2u * HIGH + m) * M + i / (N / 4u);
        let y_column = column + (part % 2u * WIDE + n) * N + i % (N / 4u) * 4u;
        let at = part * M * N + 4u * i;
        let sum = vec4f(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
        store4(slice_batch, y_row, y_column, sum * scale[2u * scaled_row(batch, y_row) + 1u]);
      }
      workgroupBarrier();
    }
  }
}

// Rows past the edge repeat the last one; `store` drops them.
fn scaled_row(batch: u32, row: u32) -> u32 {
  return batch * params.rows + min(row, params.rows - 1u);
}

// Four neighbours of x into the piece from depth `start` on.
fn bring_x(batch: u32, row: u32, start: u32, i: u32) {
  let k = i % (DEPTH / 4u) * 4u;
  let x_row = i / (DEPTH / 4u);
  let whole = scaled_row(batch, row + x_row);
  let value = x4_at(whole * params.x_pitch + start + k) * scale[2u * whole];
  // Rounded to the digits of f16 by hand: compilers may take a number for what became of it in f16.
  let high = bitcast<vec4f>((bitcast<vec4u>(value) + 0x1000u) & vec4u(0xffffe000u));
  let low = value - high;
  let to = x_row * STRIDE + k;
  for (var j = 0u; j < 4u; j += 1u) {
    x_high[to + j] = f16(high[j]);
    x_low[to + j] = f16(low[j]);
  }
}

// Four neighbours of W. Columns past the edge repeat the last ones.
fn bring_w(batch: u32, column: u32, start: u32, i: u32) {
  let w_row = i / W_FOURS;
  let four = i % W_FOURS * 4u;
  let at = select(
    (start + w_row) * params.pitch + min(column + four, params.columns - 4u),
    min(column + w_row, params.columns - 1u) * params.pitch + start + four,
    TRANSPOSED);
  let value = vec4<f16>(weight4_at(batch * params.weight_stride + at));
  let to = w_row * W_STRIDE + four;
  for (var j = 0u; j < 4u; j += 1u) {
    w_piece[to + j] = value[j];
  }
}
