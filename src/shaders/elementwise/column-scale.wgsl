// x · factor + residual, one invocation an element: a factor for each column, the same in all rows; or for
// each element, those of columns from `first` on in rows of `pitch` factors.
struct Params {
  size: u32,
  columns: u32,
  first: u32,
  pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (size)
@group(0) @binding(2) var<storage, read> factor: array<f32>;    // (columns), or (size / columns, pitch)
@group(0) @binding(3) var<storage, read> residual: array<f32>;  // (size)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (size)

@compute @workgroup_size(64)
fn column_scale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  var value = x[i] * factor[params.first + i / params.columns * params.pitch + i % params.columns];
  if (HAS_RESIDUAL) {
    value += residual[i];
  }
  y[i] = value;
}
