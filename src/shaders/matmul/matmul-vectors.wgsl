// x·Wᵀ with at most ROWS rows, of which LANES invocations compute 8 columns (4 when GATED). They share the
// depth, 16 bytes of each column at a time. What the weights of a block share is taken out of their sum:
// Σ x·(s·q + b) = s·Σ x·q + b·Σ x. What row-*.wgsl says of a row is said of such a tile here. Rows of W are
// whole vectors long, and those of x multiples of 4.

const DOTS = 8u;

@compute @workgroup_size(GROUP)
fn matmul_vectors(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let column_tiles = (params.columns + COLUMNS - 1u) / COLUMNS;
  let lane = local % LANES;
  let tile = row_of(workgroup_index(id, count), local);
  if (tile >= params.batches * column_tiles) {
    return;
  }
  let column = COLUMNS * (tile % column_tiles);
  let batch = tile / column_tiles;

  let pitch = params.pitch / VECTOR;
  let base = batch * (params.weight_stride / VECTOR);
  let w0 = base + weight_row(column, 0u) * pitch;
  let w1 = base + weight_row(column, 1u) * pitch;
  let w2 = base + weight_row(column, 2u) * pitch;
  let w3 = base + weight_row(column, 3u) * pitch;
  let w4 = base + weight_row(column, 4u) * pitch;
  let w5 = base + weight_row(column, 5u) * pitch;
  let w6 = base + weight_row(column, 6u) * pitch;
  let w7 = base + weight_row(column, 7u) * pitch;

  // Columns 0 to 3 of each row in `low`, 4 to 7 in `high`.
  var low: array<vec4f, ROWS>;
  var high: array<vec4f, ROWS>;
  for (var v = lane; v < params.depth / VECTOR; v += LANES) {
    let v0 = weight[w0 + v];
    let v1 = weight[w1 + v];
    let v2 = weight[w2 + v];
    let v3 = weight[w3 + v];
    let v4 = weight[w4 + v];
    let v5 = weight[w5 + v];
    let v6 = weight[w6 + v];
    let v7 = weight[w7 + v];
    // Given zeros: SwiftShader clears what a loop declares only once.
    var low_dots = array<vec4f, ROWS>();
    var high_dots = array<vec4f, ROWS>();
    var x_sums = array<f32, ROWS>();
    for (var part = 0u; part < VECTOR / 4u; part += 1u) {
      let a = mat4x4f(four_of(v0, part), four_of(v1, part), four_of(v2, part), four_of(v3, part));
      let b = mat4x4f(four_of(v4, part), four_of(v5, part), four_of(v6, part), four_of(v7, part));
      for (var row = 0u; row < ROWS; row += 1u) {
        let x_row = (batch * params.rows + min(row, params.rows - 1u)) * params.x_pitch;
        let own = x[(x_row + v * VECTOR) / 4u + part];
        low_dots[row] += own * a;
        high_dots[row] += own * b;
        if (SCALED) {
          x_sums[row] += dot(own, vec4f(1.0));
        }
      }
    }
    if (SCALED) {
      let a = transpose(mat4x2f(
        scale_of(w0 + v), scale_of(w1 + v), scale_of(w2 + v), scale_of(w3 + v)));
      let b = transpose(mat4x2f(
        scale_of(w4 + v), scale_of(w5 + v), scale_of(w6 + v), scale_of(w7 + v)));
      for (var row = 0u; row < ROWS; row += 1u) {
        low_dots[row] = a[0] * low_dots[row] + a[1] * x_sums[row];
        high_dots[row] = b[0] * high_dots[row] + b[1] * x_sums[row];
      }
    }
    for (var row = 0u; row < ROWS; row += 1u) {
      low[row] += low_dots[row];
      high[row] += high_dots[row];
    }
  }

  // Lanes finish columns of their own. Loops, so that the long `store` is compiled once.
  for (var row = 0u; row < ROWS; row += 1u) {
    let first = sum4_over_row(low[row], lane);
    let second = sum4_over_row(high[row], lane);
    for (var j = lane; j < DOTS; j += LANES) {
      if (!GATED) {
        store(batch, row, column + j, select(first[j % 4u], second[j % 4u], j > 3u));
      } else if (j < COLUMNS) {
        store_gated(batch, row, column + j, first[j], second[j]);
      }
    }
  }
}
