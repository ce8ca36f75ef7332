// Sums of the columns of each chunk of rows, one invocation an Element (a column or four) of a
// chunk. Done twice, with one chunk the second time, it sums all rows in the same order on every run.
struct Params {
  rows: u32,
  columns: u32,
  chunk: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<Element>;  // (rows / chunk, columns)

@compute @workgroup_size(64)
fn column_sum(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = params.columns / WIDTH;
  let i = 64u * workgroup_index(id, count) + local;
  let column = i % columns;
  let first = i / columns * params.chunk;
  if (first >= params.rows) {
    return;
  }
  var sum = Element();
  for (var row = first; row < min(first + params.chunk, params.rows); row += 1u) {
    sum += x[row * columns + column];
  }
  y[i] = sum;
}
