// y = xᵀ for each batch, one invocation an element of y.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (batches, columns, rows)

@compute @workgroup_size(64)
fn transpose_all(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let size = params.rows * params.columns;
  if (i >= params.batches * size) {
    return;
  }
  let inner = i % size;
  y[i] = x[i - inner + (inner % params.rows) * params.columns + inner / params.rows];
}
