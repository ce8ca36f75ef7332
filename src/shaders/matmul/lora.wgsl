// y = W, plus scale · delta in the rows from `first` on: a weight with a low-rank update (Hu et al.
// 2021, eq. 3). One invocation an element.
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,
  first: u32,
  count: u32,
  scale: f32,  // α / r
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: W, (rows, columns) with rows of `pitch`
@group(0) @binding(2) var<storage, read> delta: array<f32>;    // (count, columns)
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
  var value = weight_at(row * params.pitch + i % params.columns);
  if (row - params.first < params.count) {  // rows before the first wrap around
    value += params.scale * delta[i - params.first * params.columns];
  }
  y[i] = value;
}
