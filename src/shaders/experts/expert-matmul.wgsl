// y[c] = x[c / share] · W[e]ᵀ + bias[e] for each choice c of a token, e being the expert that was chosen.
// W has the rows of all experts below each other, of which `weight` holds `part` from row `first` on; choices
// come by experts, so that up to ROWS of one share what is read of its weights. The LANES of a tile of ROWS
// rows and 8 columns share the depth, four neighbours each. What row-*.wgsl says of a row is said of such a
// tile here.
const DOTS = 8u;

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
}

@compute @workgroup_size(GROUP)
fn expert_matmul(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let tile = row_of(workgroup_index(id, count), local);
  let column_tiles = (params.columns + DOTS - 1u) / DOTS;
  let column = DOTS * (tile % column_tiles);

  let rows = expert_rows(tile / column_tiles);
  let expert = rows.expert;
  if (expert >= params.experts) {
    return;
  }
  let row = rows.first;
  let end = rows.end;

  // Rows of the weight in this part; those beside it wrap around, or lie behind.
  let begin = expert * params.columns + column - params.first;
  var w: array<u32, DOTS>;
  for (var j = 0u; j < DOTS; j += 1u) {
    let own = min(begin + j, begin + params.columns - column - 1u);
    w[j] = select(0u, own * params.pitch, own < params.part);
  }
  var x0: array<u32, ROWS>;
  for (var i = 0u; i < ROWS; i += 1u) {
    x0[i] = order[min(row + i, end - 1u)] / params.share * params.x_pitch;
  }

  var low: array<vec4f, ROWS>;
  var high: array<vec4f, ROWS>;
  let even_depth = params.depth & ~3u;
  for (var k = 4u * lane; k < even_depth; k += 4u * LANES) {
    let a = mat4x4f(
      weight4_at(w[0] + k), weight4_at(w[1] + k), weight4_at(w[2] + k), weight4_at(w[3] + k));
    let b = mat4x4f(
      weight4_at(w[4] + k), weight4_at(w[5] + k), weight4_at(w[6] + k), weight4_at(w[7] + k));
    for (var i = 0u; i < ROWS; i += 1u) {
      let own = x4_at(x0[i] + k);
      low[i] += own * a;
      high[i] += own * b;
    }
  }
  for (var k = even_depth + lane; k < params.depth; k += LANES) {
    let a = vec4f(
      weight_at(w[0] + k), weight_at(w[1] + k), weight_at(w[2] + k), weight_at(w[3] + k));
    let b = vec4f(
      weight_at(w[4] + k), weight_at(w[5] + k), weight_at(w[6] + k), weight_at(w[7] + k));
    for (var i = 0u; i < ROWS; i += 1u) {
      low[i] += x[x0[i] + k] * a;
      high[i] += x[x0[i] + k] * b;
    }
  }

  for (var i = 0u; i < ROWS; i += 1u) {
    let first = sum4_over_row(low[i], lane);
    let second = sum4_over_row(high[i], lane);
    for (var j = lane; j < DOTS; j += LANES) {
      if (row + i < end && column + j < params.columns && begin + j < params.part) {
        var value = select(first[j % 4u], second[j % 4u], j > 3u);
        if (HAS_BIAS) {
          value += bias[expert * params.columns + column + j];
        }
        y[order[row + i] * params.columns + column + j] = value;
      }
    }
  }
}
