// dW[e] = Σ dy[c]ᵀ · x[c / share] over the choices c of each expert, in their order; 0 for experts that no
// token chose. Rows of all experts stand below each other, of which `dw` holds `part` from row `first` on.
// One invocation a tile of four rows and four neighbours.
struct Params {
  experts: u32,
  columns: u32,
  depth: u32,
  x_pitch: u32,
  share: u32,
  first: u32,
  part: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (choices / share, x_pitch)
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (choices, columns)
@group(0) @binding(3) var<storage, read> starts: array<u32>;    // (experts + 1), see group-tokens
@group(0) @binding(4) var<storage, read> order: array<u32>;     // (choices)
@group(0) @binding(5) var<storage, read_write> dw: array<f32>;  // (part, depth)

@compute @workgroup_size(64)
fn expert_matmul_backward_weight(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = 64u * workgroup_index(id, count) + local;
  let tiles_of_row = (params.depth + 3u) / 4u;
  let tiles_of_expert = (params.columns + 3u) / 4u * tiles_of_row;
  let expert = tile / tiles_of_expert;
  if (expert >= params.experts) {
    return;
  }
  let column = tile % tiles_of_expert / tiles_of_row * 4u;
  let k = tile % tiles_of_row * 4u;
  // Rows of the tile that lie in this part.
  let row = expert * params.columns + column;
  let low = max(row, params.first);
  let high = min(row + min(4u, params.columns - column), params.first + params.part);
  if (low >= high) {
    return;
  }

  // What is beyond an edge is read from within, and not written.
  let left = min(vec4u(column) + vec4u(0u, 1u, 2u, 3u), vec4u(params.columns - 1u));
  let right = min(vec4u(k) + vec4u(0u, 1u, 2u, 3u), vec4u(params.depth - 1u));
  var sums = mat4x4f();
  for (var i = starts[expert]; i < starts[expert + 1u]; i += 1u) {
    let choice = order[i];
    let dy_places = vec4u(choice * params.columns) + left;
    let own = vec4f(dy[dy_places.x], dy[dy_places.y], dy[dy_places.z], dy[dy_places.w]);
    let x_places = vec4u(choice / params.share * params.x_pitch) + right;
    let given = vec4f(x[x_places.x], x[x_places.y], x[x_places.z], x[x_places.w]);
    sums += mat4x4f(own.x * given, own.y * given, own.z * given, own.w * given);
  }
  for (var j = low; j < high; j += 1u) {
    for (var n = 0u; n < 4u && k + n < params.depth; n += 1u) {
      dw[(j - params.first) * params.depth + k + n] = sums[j - row][n];
    }
  }
}
