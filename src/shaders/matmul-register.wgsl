// Matrix product for CPU adapters without subgroups: an invocation computes 4 rows × 4 columns in
// registers. No workgroup memory, no barriers.

@compute @workgroup_size(64)
fn matmul_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.rows + 3u) / 4u;
  let column_tiles = (params.columns + 3u) / 4u;
  let tile = 64u * workgroup_index(id, count) + local;
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let column = 4u * (tile % column_tiles);
  let row_tile = tile / column_tiles;
  let row = 4u * (row_tile % row_tiles);
  let batch = row_tile / row_tiles;

  let depth = params.depth;
  let pitch = params.pitch;
  let last_row = params.rows - 1u;
  let x0 = (batch * params.rows + row) * depth;
  let x1 = (batch * params.rows + min(row + 1u, last_row)) * depth;
  let x2 = (batch * params.rows + min(row + 2u, last_row)) * depth;
  let x3 = (batch * params.rows + min(row + 3u, last_row)) * depth;
  let last = params.columns - 1u;
  let base = batch * params.weight_stride;
  let step = select(1u, pitch, TRANSPOSED);  // from one column to the next
  let w0 = base + column * step;
  let w1 = base + min(column + 1u, last) * step;
  let w2 = base + min(column + 2u, last) * step;
  let w3 = base + min(column + 3u, last) * step;

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  let even_depth = depth & ~3u;
  for (var k = 0u; k < even_depth; k += 4u) {
    var w: mat4x4f;  // w[i] holds 4 columns at depth k + i
    if (TRANSPOSED) {
      w = transpose(mat4x4f(
        weight4_at(w0 + k), weight4_at(w1 + k), weight4_at(w2 + k), weight4_at(w3 + k)));
    } else {
      let k1 = k * pitch;
      let k2 = k1 + pitch;
      let k3 = k2 + pitch;
      let k4 = k3 + pitch;
      w = mat4x4f(
        weight_at(w0 + k1), weight_at(w1 + k1), weight_at(w2 + k1), weight_at(w3 + k1),
        weight_at(w0 + k2), weight_at(w1 + k2), weight_at(w2 + k2), weight_at(w3 + k2),
        weight_at(w0 + k3), weight_at(w1 + k3), weight_at(w2 + k3), weight_at(w3 + k3),
        weight_at(w0 + k4), weight_at(w1 + k4), weight_at(w2 + k4), weight_at(w3 + k4));
    }
    sum0 += w * x4_at(x0 + k);
    sum1 += w * x4_at(x1 + k);
    sum2 += w * x4_at(x2 + k);
    sum3 += w * x4_at(x3 + k);
  }
  for (var k = even_depth; k < depth; k += 1u) {
    let at = select(k * pitch, k, TRANSPOSED);
    let w = vec4f(weight_at(w0 + at), weight_at(w1 + at), weight_at(w2 + at), weight_at(w3 + at));
    sum0 += w * x[x0 + k];
    sum1 += w * x[x1 + k];
    sum2 += w * x[x2 + k];
    sum3 += w * x[x3 + k];
  }
  store4(batch, row, column, sum0);
  store4(batch, row + 1u, column, sum1);
  store4(batch, row + 2u, column, sum2);
  store4(batch, row + 3u, column, sum3);
}

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
}

fn store4(batch: u32, row: u32, column: u32, sum: vec4f) {
  store(batch, row, column, sum.x);
  store(batch, row, column + 1u, sum.y);
  store(batch, row, column + 2u, sum.z);
  store(batch, row, column + 3u, sum.w);
}
