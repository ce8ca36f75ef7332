// x, and in spans of its rows, or where BY_COLUMN of its columns, a vector or zeros. One invocation an
// element.
struct Params {
  size: u32,
  rows: u32,  // of a sequence
  columns: u32,
  length: u32,  // of a span
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (sequences, rows, columns)
@group(0) @binding(2) var<storage, read> starts: array<u32>;   // (sequences, rows), or (…, columns)
@group(0) @binding(3) var<storage, read> fill: array<f32>;     // (columns)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (sequences, rows, columns)

@compute @workgroup_size(64)
fn span_fill(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let column = i % params.columns;
  let row = i / params.columns % params.rows;
  let place = select(row, column, BY_COLUMN);
  let sequence = i / params.columns / params.rows;
  let first = sequence * select(params.rows, params.columns, BY_COLUMN);
  var is_masked = false;
  for (var back = 0u; back < min(params.length, place + 1u); back += 1u) {
    is_masked = is_masked || starts[first + place - back] == 1u;
  }
  var value = x[i];
  if (is_masked) {
    value = 0.0;
    if (HAS_FILL) {
      value = fill[column];
    }
  }
  y[i] = value;
}
