// dx[c] = dy[c] · W[e] for each choice c of a token, e being the expert that was chosen, + `before`. W has
// the rows of all experts below each other, of which `weight` holds `part` from row `first` on; choices come
// by experts, so that up to ROWS of one share what is read of its weights. One invocation a tile of ROWS
// choices and four neighbours.
struct Params {
  choices: u32,
  experts: u32,
  columns: u32,
  depth: u32,
  pitch: u32,
  first: u32,
  part: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (choices, columns)
@group(0) @binding(3) var<storage, read> before: array<f32>;    // (choices, depth)
@group(0) @binding(4) var<storage, read> starts: array<u32>;    // (experts + 1), see group-tokens
@group(0) @binding(5) var<storage, read> order: array<u32>;     // (choices)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;  // (choices, depth)

@compute @workgroup_size(64)
fn expert_matmul_backward_x(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = 64u * workgroup_index(id, count) + local;
  let tiles_of_row = (params.depth + 3u) / 4u;
  let k = 4u * (tile % tiles_of_row);

  // The tile's expert, by the tiles of those before.
  var row_tile = tile / tiles_of_row;
  var expert = 0u;
  while (expert < params.experts) {
    let tiles = (starts[expert + 1u] - starts[expert] + ROWS - 1u) / ROWS;
    if (row_tile < tiles) {
      break;
    }
    row_tile -= tiles;
    expert += 1u;
  }
  if (expert == params.experts) {
    return;
  }
  let row = starts[expert] + ROWS * row_tile;
  let end = starts[expert + 1u];

  var dy_first: array<u32, ROWS>;
  for (var i = 0u; i < ROWS; i += 1u) {
    dy_first[i] = order[min(row + i, end - 1u)] * params.columns;
  }
  // The expert's rows in this part.
  let begin = expert * params.columns;
  let low = max(begin, params.first);
  let high = min(begin + params.columns, params.first + params.part);
  let is_whole = k + 4u <= params.depth;
  var sums: array<vec4f, ROWS>;
  for (var j = low; j < high; j += 1u) {
    let at = (j - params.first) * params.pitch + k;
    var w = vec4f();
    if (is_whole) {
      w = weight4_at(at);
    } else {
      for (var n = 0u; k + n < params.depth; n += 1u) {
        w[n] = weight_at(at + n);
      }
    }
    for (var i = 0u; i < ROWS; i += 1u) {
      sums[i] += dy[dy_first[i] + j - begin] * w;
    }
  }
  for (var i = 0u; i < ROWS && row + i < end; i += 1u) {
    let to = order[row + i] * params.depth + k;
    for (var n = 0u; n < 4u && k + n < params.depth; n += 1u) {
      var value = sums[i][n];
      if (HAS_BEFORE) {
        value += before[to + n];
      }
      dx[to + n] = value;
    }
  }
}
