// Adds up what the slices of a split product have written, always in the same order, and finishes it:
// y = activate(Σ slices + bias) + residual. One invocation an Element of y.
struct Params {
  slices: u32,
  rows: u32,
  columns: u32,
  y_pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<Element>;   // (slices, rows, columns)
@group(0) @binding(2) var<storage, read> bias: array<Element>;      // (columns)
@group(0) @binding(3) var<storage, read> residual: array<Element>;  // (rows, columns)
@group(0) @binding(4) var<storage, read_write> y: array<Element>;   // (rows, columns)

@compute @workgroup_size(64)
fn matmul_join(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = params.columns / WIDTH;
  let size = params.rows * columns;
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= size) {
    return;
  }
  let column = i % columns;
  let at = i / columns * (params.y_pitch / WIDTH) + column;
  var sum = partial[i];
  for (var slice = 1u; slice < params.slices; slice += 1u) {
    sum += partial[slice * size + i];
  }
  if (HAS_BIAS) {
    sum += bias[column];
  }
  sum = activate(sum);
  if (HAS_RESIDUAL) {
    sum += residual[at];
  }
  y[at] = sum;
}
