// x·Wᵀ with at most ROWS rows, for GPUs: a workgroup computes 4 columns of all rows (2 when GATED), so
// that W is read once. Its LANES threads split the depth, two neighbours each, and add up as those of a row
// do (row-workgroup, row-subgroups).

const DOTS = 4u;

@compute @workgroup_size(GROUP)
fn matmul_skinny(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let column_tiles = (params.columns + COLUMNS - 1u) / COLUMNS;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * column_tiles) {
    return;
  }
  let column = COLUMNS * (tile % column_tiles);
  let batch = tile / column_tiles;
  let base = batch * params.weight_stride;
  let w0 = base + weight_row(column, 0u) * params.pitch;
  let w1 = base + weight_row(column, 1u) * params.pitch;
  let w2 = base + weight_row(column, 2u) * params.pitch;
  let w3 = base + weight_row(column, 3u) * params.pitch;

  let x_pitch = params.x_pitch;
  var sums: array<vec4f, ROWS>;
  for (var k = 2u * local; k < params.depth; k += 2u * LANES) {
    let w = transpose(mat4x2f(
      weight2_at(w0 + k), weight2_at(w1 + k), weight2_at(w2 + k), weight2_at(w3 + k)));
    let has_next = k + 1u < params.depth;
    for (var row = 0u; row < ROWS; row += 1u) {
      let at = (batch * params.rows + min(row, params.rows - 1u)) * x_pitch + k;
      sums[row] += w[0] * x[at];
      if (has_next) {
        sums[row] += w[1] * x[at + 1u];
      }
    }
  }
  for (var row = 0u; row < ROWS; row += 1u) {
    let all = sum4_over_row(sums[row], local);
    if (GATED && local < COLUMNS) {
      store_gated(batch, row, column + local, all[local], all[local + COLUMNS]);
    } else if (local < COLUMNS) {
      store(batch, row, column + local, all[local]);
    }
  }
}
