// The gradient of columns put beside others: those of one of the tensors. One invocation an element.
struct Params {
  size: u32,     // of dx
  columns: u32,  // of dx
  first: u32,    // where they begin in dy
  all: u32,      // columns of dy
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // (rows, all)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn join_columns_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  dx[i] = dy[(i / params.columns) * params.all + params.first + i % params.columns];
}
