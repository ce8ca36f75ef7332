// Columns that stand beside others, on their own. One invocation an element.
struct Params {
  size: u32,     // of y
  columns: u32,  // of y
  first: u32,    // where they begin in x
  all: u32,      // columns of x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, all)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn take_columns(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  y[i] = x[(i / params.columns) * params.all + params.first + i % params.columns];
}
