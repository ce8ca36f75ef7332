// The usual layer normalization: a workgroup of 64 a row, two passes.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read> weight: array<f32>;   // (columns)
@group(0) @binding(3) var<storage, read> bias: array<f32>;     // (columns)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn plain_layer_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = min(workgroup_index(id, count), params.rows - 1u) * params.columns;
  var total = 0.0;
  for (var i = local; i < params.columns; i += 64u) {
    total += x[first + i];
  }
  let mean = sum_of(total, local) / f32(params.columns);
  var squares = 0.0;
  for (var i = local; i < params.columns; i += 64u) {
    let centred = x[first + i] - mean;
    squares += centred * centred;
  }
  let scale = inverseSqrt(sum_of(squares, local) / f32(params.columns) + params.eps);
  for (var i = local; i < params.columns; i += 64u) {
    y[first + i] = (x[first + i] - mean) * scale * weight[i] + bias[i];
  }
}
