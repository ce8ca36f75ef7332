// Matrix product for CPU adapters with 4-lane subgroups: no workgroup memory, no barriers.
// A subgroup computes 16 rows × 8 columns, or 8 × 8 unless TALL. Each lane holds every fourth row of
// x and every fourth column of W; the columns go round by quad swaps. So 24 loads feed 128
// multiply-adds of 4 lanes, which matters where a load costs as much as several of them. Loads are also
// what takes long to compile: there are loops along the depth by FOURS and by ONES, 24 loads and 6, and
// only those that a product needs.

// A lane's values and those of the lanes 1, 2 and 3 away (in xor order).
fn around(own: f32) -> vec4f {
  return vec4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own));
}

fn around4(own: vec4f) -> mat4x4f {
  return mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own));
}

// Four neighbours along the depth, from depth k, of the row that begins at `row`.
fn row4_at(row: u32, k: u32) -> vec4f {
  if (X_TRANSPOSED) {
    let step = params.x_pitch;
    let i = row + k * step;
    return vec4f(x[i], x[i + step], x[i + 2u * step], x[i + 3u * step]);
  }
  return x4_at(row + k);
}

fn row_at(row: u32, k: u32) -> f32 {
  return x[row + select(k, k * params.x_pitch, X_TRANSPOSED)];
}

@compute @workgroup_size(4)
fn matmul_subgroup(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let height = select(8u, 16u, TALL);
  let row_tiles = (params.rows + height - 1u) / height;
  let column_tiles = (params.columns + 7u) / 8u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let row = height * (tile % row_tiles) + lane;
  let column_tile = tile / row_tiles;
  let column = 8u * (column_tile % column_tiles);
  let batch = column_tile / column_tiles;

  // Rows and columns past the edge repeat the last one; `store` drops them.
  let depth = params.depth;
  let pitch = params.pitch;
  let last_row = params.rows - 1u;
  let x_batch = batch * select(params.rows, depth, X_TRANSPOSED) * params.x_pitch;
  let row_step = select(params.x_pitch, 1u, X_TRANSPOSED);  // from one row to the next
  let x0 = x_batch + min(row, last_row) * row_step;
  let x1 = x_batch + min(row + 4u, last_row) * row_step;
  let x2 = x_batch + min(row + 8u, last_row) * row_step;
  let x3 = x_batch + min(row + 12u, last_row) * row_step;
  let last_column = params.columns - 1u;
  let step = select(1u, pitch, TRANSPOSED);  // from one column to the next
  let w = batch * params.weight_stride;
  let wa = w + min(column + lane, last_column) * step;
  let wb = w + min(column + 4u + lane, last_column) * step;

  // a0[j] belongs to the lane's first row and column (column + (lane ^ j)); b0 lies 4 further.
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var b0 = vec4f();
  var b1 = vec4f();
  var b2 = vec4f();
  var b3 = vec4f();
  let even_depth = select(0u, depth & ~3u, FOURS);
  if (FOURS) {
    for (var k = 0u; k < even_depth; k += 4u) {
      let row0 = row4_at(x0, k);
      let row1 = row4_at(x1, k);
      let near = around4(column4_at(wa, k, pitch));
      let far = around4(column4_at(wb, k, pitch));
      a0 += row0 * near;
      a1 += row1 * near;
      b0 += row0 * far;
      b1 += row1 * far;
      if (TALL) {
        let row2 = row4_at(x2, k);
        let row3 = row4_at(x3, k);
        a2 += row2 * near;
        a3 += row3 * near;
        b2 += row2 * far;
        b3 += row3 * far;
      }
    }
  }
  if (ONES) {
    for (var k = even_depth; k < depth; k += 1u) {
      let at = select(k * pitch, k, TRANSPOSED);
      let near = around(weight_at(wa + at));
      let far = around(weight_at(wb + at));
      a0 += row_at(x0, k) * near;
      a1 += row_at(x1, k) * near;
      b0 += row_at(x0, k) * far;
      b1 += row_at(x1, k) * far;
      if (TALL) {
        a2 += row_at(x2, k) * near;
        a3 += row_at(x3, k) * near;
        b2 += row_at(x2, k) * far;
        b3 += row_at(x3, k) * far;
      }
    }
  }
  // One copy of `store` for all elements: it is long, and drivers unroll and inline it.
  var sums = array(a0, b0, a1, b1, a2, b2, a3, b3);
  for (var i = 0u; i < height / 2u; i += 1u) {
    for (var j = 0u; j < 4u; j += 1u) {
      store(batch, row + 4u * (i / 2u), column + 4u * (i % 2u) + (lane ^ j), sums[i][j]);
    }
  }
}
