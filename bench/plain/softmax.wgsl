// The usual softmax: a workgroup of 64 a row. When CAUSAL, row r of each square keeps the columns
// up to r.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn plain_softmax(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = min(workgroup_index(id, count), params.rows - 1u);
  let first = row * params.columns;
  let kept = select(params.columns, row % params.columns + 1u, CAUSAL);

  var largest = -3.0e38;
  for (var i = local; i < kept; i += 64u) {
    largest = max(largest, x[first + i]);
  }
  largest = max_of(largest, local);
  var total = 0.0;
  for (var i = local; i < kept; i += 64u) {
    total += exp(x[first + i] - largest);
  }
  total = sum_of(total, local);
  for (var i = local; i < params.columns; i += 64u) {
    y[first + i] = select(0.0, exp(min(x[first + i] - largest, 0.0)) / total, i < kept);
  }
}
