// Rows that count, and zeros in place of the others. One invocation an element.
struct Params {
  size: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read> mask: array<u32>;     // (rows), 0 = none
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn mask_rows(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  y[i] = select(x[i], 0.0, mask[i / params.columns] == 0u);
}
