// The same as expert-matmul where experts have many choices, for GPUs: a workgroup computes a tile of 32
// choices of one expert and 32 columns, a thread 4 × 4 of it in registers. x and W come in pieces of 16
// depths, in blocks of 4 × 4 that are turned on their way: workgroup memory holds them depth after depth.
const ROWS = 32u;
const DEPTH = 16u;
const SIDE = 8u;                   // fours along each side of the tile
const BLOCKS = SIDE * DEPTH / 4u;  // of 4 × 4, in a piece of x or W

var<workgroup> pieces: array<vec4f, 2u * DEPTH * SIDE>;  // of x and of W: (2, DEPTH, 32)

@compute @workgroup_size(64)
fn expert_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = workgroup_index(id, count);
  let column_tiles = (params.columns + ROWS - 1u) / ROWS;
  let column = ROWS * (index % column_tiles);
  let rows = expert_rows(index / column_tiles);
  if (rows.expert >= params.experts) {
    return;
  }
  // The first column's row of W in this part; rows beside the part wrap around, or lie behind.
  let begin = rows.expert * params.columns + column - params.first;

  // Each thread brings a block: rows of x or columns of W from `own` on, and every fourth four depths.
  let number = local % BLOCKS;
  let own = 4u * (number / (DEPTH / 4u));
  let deep = 4u * (number % (DEPTH / 4u));
  let is_x = local < BLOCKS;
  var begins: array<u32, 4>;
  var is_there: array<bool, 4>;
  for (var i = 0u; i < 4u; i += 1u) {
    if (is_x) {
      let row = rows.first + own + i;
      is_there[i] = row < rows.end;
      begins[i] = order[min(row, rows.end - 1u)] / params.share * params.x_pitch;
    } else {
      let row = begin + own + i;
      is_there[i] = row < params.part && column + own + i < params.columns;
      begins[i] = select(0u, row, is_there[i]) * params.pitch;
    }
  }

  let tx = local % SIDE;
  let ty = local / SIDE;
  var sums = mat4x4f();  // a choice a column
  for (var start = 0u; start < params.depth; start += DEPTH) {
    var block = mat4x4f();
    for (var i = 0u; i < 4u; i += 1u) {
      if (is_there[i]) {
        block[i] = four_at(is_x, begins[i], start + deep);
      }
    }
    let turned = transpose(block);
    workgroupBarrier();
    for (var k = 0u; k < 4u; k += 1u) {
      let depth = select(DEPTH, 0u, is_x) + deep + k;
      pieces[depth * SIDE + own / 4u] = turned[k];
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += 1u) {
      let a = pieces[k * SIDE + ty];
      let b = pieces[(DEPTH + k) * SIDE + tx];
      sums[0] = fma(vec4f(a.x), b, sums[0]);
      sums[1] = fma(vec4f(a.y), b, sums[1]);
      sums[2] = fma(vec4f(a.z), b, sums[2]);
      sums[3] = fma(vec4f(a.w), b, sums[3]);
    }
  }

  for (var i = 0u; i < 4u; i += 1u) {
    let row = rows.first + 4u * ty + i;
    for (var j = 0u; j < 4u; j += 1u) {
      let at = 4u * tx + j;
      if (row < rows.end && column + at < params.columns && begin + at < params.part) {
        var value = sums[i][j];
        if (HAS_BIAS) {
          value += bias[rows.expert * params.columns + column + at];
        }
        y[order[row] * params.columns + column + at] = value;
      }
    }
  }
}

// Four depths from k on of a row of x or of W that begins at `at`; 0 behind the last.
fn four_at(is_x: bool, at: u32, k: u32) -> vec4f {
  var four = vec4f();
  if (k + 4u <= params.depth) {
    let i = at + k;
    if (is_x) {
      return vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
    }
    return weight4_at(i);
  }
  for (var j = 0u; j < 4u && k + j < params.depth; j += 1u) {
    if (is_x) {
      four[j] = x[at + k + j];
    } else {
      four[j] = weight_at(at + k + j);
    }
  }
  return four;
}
