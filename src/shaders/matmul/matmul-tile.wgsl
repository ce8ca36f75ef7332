// Matrix product for GPUs: a workgroup computes a TILE × TILE block of y. It brings TILE × DEPTH
// pieces of x and W into workgroup memory, stored depth-first so that neighbouring threads read
// neighbouring words; each thread keeps THREAD × THREAD sums in registers.

const SIDE = TILE / THREAD;     // threads along each side of the tile
const THREADS = SIDE * SIDE;
const STRIDE = TILE + 4u;       // padded against bank conflicts

var<workgroup> x_tile: array<f32, DEPTH * STRIDE>;
var<workgroup> w_tile: array<f32, DEPTH * STRIDE>;

@compute @workgroup_size(THREADS)
fn matmul_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + TILE - 1u) / TILE;
  let column_tiles = (params.columns + TILE - 1u) / TILE;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let first_column = TILE * (tile % column_tiles);
  let row_tile = tile / column_tiles;
  let first_row = TILE * (row_tile % row_tiles);
  let batch = row_tile / row_tiles;
  let tx = local % SIDE;
  let ty = local / SIDE;

  var sums: array<array<f32, THREAD>, THREAD>;
  for (var start = 0u; start < params.depth; start += DEPTH) {
    for (var i = local; i < TILE * DEPTH; i += THREADS) {
      let k = i % DEPTH;
      let m = i / DEPTH;
      let n = i % TILE;
      let depth = i / TILE;
      if (X_TRANSPOSED) {
        x_tile[depth * STRIDE + n] = x_or_zero(batch, first_row + n, start + depth);
      } else {
        x_tile[k * STRIDE + m] = x_or_zero(batch, first_row + m, start + k);
      }
      if (TRANSPOSED) {
        w_tile[k * STRIDE + m] = weight_or_zero(batch, start + k, first_column + m);
      } else {
        w_tile[depth * STRIDE + n] = weight_or_zero(batch, start + depth, first_column + n);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += 1u) {
      var w_values: array<f32, THREAD>;
      for (var j = 0u; j < THREAD; j += 1u) {
        w_values[j] = w_tile[k * STRIDE + tx + j * SIDE];
      }
      for (var i = 0u; i < THREAD; i += 1u) {
        let x_value = x_tile[k * STRIDE + ty + i * SIDE];
        for (var j = 0u; j < THREAD; j += 1u) {
          sums[i][j] = fma(x_value, w_values[j], sums[i][j]);
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < THREAD; i += 1u) {
    for (var j = 0u; j < THREAD; j += 1u) {
      store(batch, first_row + ty + i * SIDE, first_column + tx + j * SIDE, sums[i][j]);
    }
  }
}

fn x_or_zero(batch: u32, row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.depth) {
    return 0.0;
  }
  if (X_TRANSPOSED) {
    return x[(batch * params.depth + k) * params.x_pitch + row];
  }
  return x[(batch * params.rows + row) * params.x_pitch + k];
}

fn weight_or_zero(batch: u32, k: u32, column: u32) -> f32 {
  if (column >= params.columns || k >= params.depth) {
    return 0.0;
  }
  let at = select(k * params.pitch + column, column * params.pitch + k, TRANSPOSED);
  return weight_at(batch * params.weight_stride + at);
}
