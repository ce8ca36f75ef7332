// The gradient of rows of which some columns were factors, x · dy; the others have 0. One invocation an
// element.
struct Params {
  rows: u32,
  columns: u32,  // that were factors
  first: u32,    // of these
  pitch: u32,    // of all
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // (rows, columns)
@group(0) @binding(2) var<storage, read> dy: array<f32>;              // (rows, columns)
@group(0) @binding(3) var<storage, read_write> d_beside: array<f32>;  // (rows, pitch)

@compute @workgroup_size(64)
fn column_product_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.pitch) {
    return;
  }
  // Before the first the difference wraps round to a large number.
  let column = i % params.pitch - params.first;
  var value = 0.0;
  if (column < params.columns) {
    let at = i / params.pitch * params.columns + column;
    value = x[at] * dy[at];
  }
  d_beside[i] = value;
}
