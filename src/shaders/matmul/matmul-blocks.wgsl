// x·Wᵀ with at most ROWS rows and W in blocks, of which each LANES invocations compute 8 columns (4 when GATED).
// They share the depth, 16 bytes of codes of each column at a time. What a block's weights share is taken out of
// their sum: Σ x·(s·q + b) = s·Σ x·q + b·Σ x. What row-*.wgsl says of a row is said of such a tile here.
// Rows of W are whole vectors long, all rows multiples of 4.

const DOTS = 8u;

@compute @workgroup_size(GROUP)
fn matmul_blocks(
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
    // Words of four columns, the first of each in [0].
    let low_words = transpose4(weight[w0 + v], weight[w1 + v], weight[w2 + v], weight[w3 + v]);
    let high_words = transpose4(weight[w4 + v], weight[w5 + v], weight[w6 + v], weight[w7 + v]);
    var low_dots: array<vec4f, ROWS>;
    var high_dots: array<vec4f, ROWS>;
    var x_sums: array<f32, ROWS>;
    for (var word = 0u; word < 4u; word += 1u) {
      for (var part = 0u; part < CODES / 4u; part += 1u) {
        let a = four_codes(low_words[word], part);
        let b = four_codes(high_words[word], part);
        for (var row = 0u; row < ROWS; row += 1u) {
          let at = (batch * params.rows + min(row, params.rows - 1u)) * params.x_pitch;
          let own = x[(at + v * VECTOR + word * CODES + 4u * part) / 4u];
          low_dots[row] += own * a;
          high_dots[row] += own * b;
          x_sums[row] += dot(own, vec4f(1.0));
        }
      }
    }
    let low_scales = mat4x2f(
      scale_of(w0 + v), scale_of(w1 + v), scale_of(w2 + v), scale_of(w3 + v));
    let high_scales = mat4x2f(
      scale_of(w4 + v), scale_of(w5 + v), scale_of(w6 + v), scale_of(w7 + v));
    for (var row = 0u; row < ROWS; row += 1u) {
      low[row] += vec4f(low_scales[0].x, low_scales[1].x, low_scales[2].x, low_scales[3].x) * low_dots[row]
        + vec4f(low_scales[0].y, low_scales[1].y, low_scales[2].y, low_scales[3].y) * x_sums[row];
      high[row] += vec4f(high_scales[0].x, high_scales[1].x, high_scales[2].x, high_scales[3].x) * high_dots[row]
        + vec4f(high_scales[0].y, high_scales[1].y, high_scales[2].y, high_scales[3].y) * x_sums[row];
    }
  }

  for (var row = 0u; row < ROWS; row += 1u) {
    let first = sum4_over_row(low[row], lane);
    let second = sum4_over_row(high[row], lane);
    if (GATED && lane == 0u) {
      store_gated(batch, row, column, first, second);
    } else if (lane == 0u) {
      store(batch, row, column, first);
      store(batch, row, column + 4u, second);
    }
  }
}

// The same word of four vectors in one.
fn transpose4(a: vec4u, b: vec4u, c: vec4u, d: vec4u) -> array<vec4u, 4> {
  return array(
    vec4u(a.x, b.x, c.x, d.x), vec4u(a.y, b.y, c.y, d.y),
    vec4u(a.z, b.z, c.z, d.z), vec4u(a.w, b.w, c.w, d.w));
}

fn four_codes(words: vec4u, part: u32) -> mat4x4f {
  return mat4x4f(
    codes4_of(words.x, part), codes4_of(words.y, part),
    codes4_of(words.z, part), codes4_of(words.w, part));
}
