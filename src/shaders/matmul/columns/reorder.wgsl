// Rows with their columns in another order, or BACK in theirs, one invocation an element.
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns) with rows of `pitch`
@group(0) @binding(2) var<storage, read> order: array<u32>;    // (columns)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (rows, columns) with rows of `pitch`

@compute @workgroup_size(64)
fn reorder(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.columns) {
    return;
  }
  let row = params.pitch * (i / params.columns);
  let column = i % params.columns;
  if (BACK) {
    y[row + order[column]] = x[row + column];
  } else {
    y[row + column] = x[row + order[column]];
  }
}
