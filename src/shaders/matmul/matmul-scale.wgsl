// For each row of x the power of two that brings its largest element between 2¹³ and 2¹⁴, which f16 holds,
// and the inverse of it. A workgroup a row.
struct Params {
  rows: u32,
  columns: u32,
  x_pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> scale: array<f32>;  // (rows, 2)

@compute @workgroup_size(GROUP)
fn matmul_scale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = row_of(workgroup_index(id, count), lane);
  if (row >= params.rows) {
    return;
  }
  let first = row * (params.x_pitch / WIDTH);
  var most = Element();
  for (var i = lane; i < params.columns / WIDTH; i += LANES) {
    most = max(most, abs(x[first + i]));
  }
  let largest = max_over_row(max(max(most.x, most.y), max(most.z, most.w)), lane);
  if (lane == 0u) {
    let exponent = clamp(i32(bitcast<u32>(largest) >> 23u) - 13, 1, 253);
    scale[2u * row] = bitcast<f32>(u32(254 - exponent) << 23u);
    scale[2u * row + 1u] = bitcast<f32>(u32(exponent) << 23u);
  }
}
