// y = W, plus scale · delta from row `first` and column `left` on: a weight, or what a layer computes,
// with a low-rank update (Hu et al. 2021, eq. 3). One invocation an element.
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,
  first: u32,
  count: u32,
  left: u32,
  width: u32,
  scale: f32,  // α / r
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: W, (rows, columns) with rows of `pitch`
@group(0) @binding(2) var<storage, read> delta: array<f32>;    // (count, width)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn lora(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.columns) {
    return;
  }
  let row = i / params.columns;
  let column = i % params.columns;
  var value = weight_at(row * params.pitch + column);
  let at = vec2u(row - params.first, column - params.left);  // those before the first wrap around
  if (all(at < vec2u(params.count, params.width))) {
    value += params.scale * delta[at.x * params.width + at.y];
  }
  y[i] = value;
}
