// Matrix product for CPU adapters with 4-lane subgroups: no workgroup memory, no barriers.
// A subgroup computes 8 rows × 4 columns. Each lane holds two rows of x and one column of W; the
// columns go round by quad swaps, so that 12 loads feed 32 multiply-adds of 4 lanes.

// A lane's value and those of its neighbours 1, 2 and 3 lanes away (in xor order).
fn across(value: f32) -> vec4f {
  return vec4f(value, quadSwapX(value), quadSwapY(value), quadSwapDiagonal(value));
}

@compute @workgroup_size(4)
fn matmul_subgroup(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.rows + 7u) / 8u;
  let column_tiles = (params.columns + 3u) / 4u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let row = 8u * (tile % row_tiles) + lane;
  let column_tile = tile / row_tiles;
  let column = 4u * (column_tile % column_tiles);
  let batch = column_tile / column_tiles;

  let depth = params.depth;
  let pitch = params.pitch;
  let last_row = params.rows - 1u;
  let x0 = (batch * params.rows + min(row, last_row)) * depth;
  let x1 = (batch * params.rows + min(row + 4u, last_row)) * depth;
  let own_column = min(column + lane, params.columns - 1u);
  let w = batch * params.weight_stride + select(own_column, own_column * pitch, TRANSPOSED);

  // sum0[j] and sum1[j] belong to column (column + (lane ^ j)).
  var sum0 = vec4f();
  var sum1 = vec4f();
  let even_depth = depth & ~3u;
  for (var k = 0u; k < even_depth; k += 4u) {
    var own: vec4f;
    if (TRANSPOSED) {
      own = weight4_at(w + k);
    } else {
      let at = w + k * pitch;
      own = vec4f(
        weight_at(at), weight_at(at + pitch), weight_at(at + 2u * pitch), weight_at(at + 3u * pitch));
    }
    let w0 = across(own.x);
    let w1 = across(own.y);
    let w2 = across(own.z);
    let w3 = across(own.w);
    sum0 = sum0 + x[x0 + k] * w0 + x[x0 + k + 1u] * w1 + x[x0 + k + 2u] * w2 + x[x0 + k + 3u] * w3;
    sum1 = sum1 + x[x1 + k] * w0 + x[x1 + k + 1u] * w1 + x[x1 + k + 2u] * w2 + x[x1 + k + 3u] * w3;
  }
  for (var k = even_depth; k < depth; k += 1u) {
    let own = across(weight_at(w + select(k * pitch, k, TRANSPOSED)));
    sum0 += x[x0 + k] * own;
    sum1 += x[x1 + k] * own;
  }

  store(batch, row, column + lane, sum0.x);
  store(batch, row, column + (lane ^ 1u), sum0.y);
  store(batch, row, column + (lane ^ 2u), sum0.z);
  store(batch, row, column + (lane ^ 3u), sum0.w);
  store(batch, row + 4u, column + lane, sum1.x);
  store(batch, row + 4u, column + (lane ^ 1u), sum1.y);
  store(batch, row + 4u, column + (lane ^ 2u), sum1.z);
  store(batch, row + 4u, column + (lane ^ 3u), sum1.w);
}
