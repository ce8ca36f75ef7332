// The usual tiled product: 32 × 32 results a workgroup, 32 deep, both operands staged in workgroup
// memory, 4 × 4 results for each of 8 × 8 invocations.
const TILE = 32u;
const STAGED = TILE * TILE / 64u;  // elements that an invocation stages of either operand

var<workgroup> x_tile: array<array<f32, TILE>, TILE>;  // (row, depth)
var<workgroup> w_tile: array<array<f32, TILE>, TILE>;  // (depth, column)

@compute @workgroup_size(64)
fn plain_matmul(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + TILE - 1u) / TILE;
  let column_tiles = (params.columns + TILE - 1u) / TILE;
  let tile = workgroup_index(id, count);
  let first_column = TILE * (tile % column_tiles);
  let first_row = TILE * (tile / column_tiles % row_tiles);
  let batch = tile / column_tiles / row_tiles;
  let own_row = 4u * (local / 8u);
  let own_column = 4u * (local % 8u);

  var sums: array<vec4f, 4>;
  for (var start = 0u; start < params.depth; start += TILE) {
    for (var i = 0u; i < STAGED; i += 1u) {
      let slow = (local + 64u * i) / TILE;
      let fast = (local + 64u * i) % TILE;
      x_tile[slow][fast] = x_at(batch, first_row + slow, start + fast);
      if (params.w_depth == 1u) {
        w_tile[fast][slow] = w_at(batch, first_column + slow, start + fast);
      } else {
        w_tile[slow][fast] = w_at(batch, first_column + fast, start + slow);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < TILE; k += 1u) {
      let w = vec4f(
        w_tile[k][own_column], w_tile[k][own_column + 1u],
        w_tile[k][own_column + 2u], w_tile[k][own_column + 3u]);
      sums[0] += x_tile[own_row][k] * w;
      sums[1] += x_tile[own_row + 1u][k] * w;
      sums[2] += x_tile[own_row + 2u][k] * w;
      sums[3] += x_tile[own_row + 3u][k] * w;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i += 1u) {
    for (var j = 0u; j < 4u; j += 1u) {
      let row = first_row + own_row + i;
      let column = first_column + own_column + j;
      if (batch < params.batches && row < params.rows && column < params.columns) {
        y[batch * params.y_batch + row * params.y_row + column] = params.scale * sums[i][j];
      }
    }
  }
}

fn x_at(batch: u32, row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.depth) {
    return 0.0;
  }
  return x[batch * params.x_batch + row * params.x_row + k];
}

fn w_at(batch: u32, column: u32, k: u32) -> f32 {
  if (column >= params.columns || k >= params.depth) {
    return 0.0;
  }
  return weight_at(batch * params.w_batch + column * params.w_column + k * params.w_depth);
}
