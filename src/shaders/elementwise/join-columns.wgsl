// Columns put beside others: one of the tensors that make up the result. One invocation an element.
struct Params {
  size: u32,     // of x
  columns: u32,  // of x
  first: u32,    // where they begin in y
  all: u32,      // columns of y
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, all)

@compute @workgroup_size(64)
fn join_columns(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  y[(i / params.columns) * params.all + params.first + i % params.columns] = x[i];
}
