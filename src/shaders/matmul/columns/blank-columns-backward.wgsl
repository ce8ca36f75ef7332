// Zeros in the columns of a gradient that no other kernel writes: all but two runs of `count`. One invocation
// an element.
struct Params {
  rows: u32,
  pitch: u32,
  first: u32,   // where one run begins
  second: u32,  // where the other does
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;  // (rows, pitch)

@compute @workgroup_size(64)
fn blank_columns_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.pitch) {
    return;
  }
  // Before a run the difference wraps round to a large number.
  let column = i % params.pitch;
  if (column - params.first >= params.count && column - params.second >= params.count) {
    dx[i] = 0.0;
  }
}
