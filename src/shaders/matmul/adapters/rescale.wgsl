// z = bias + (y - bias) · magnitude / √energy in columns from `left` on, and y in all others. One invocation
// an element.
struct Params {
  size: u32,
  columns: u32,
  left: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;          // (size)
@group(0) @binding(2) var<storage, read> magnitude: array<f32>;  // (width)
@group(0) @binding(3) var<storage, read> energy: array<f32>;     // (width)
@group(0) @binding(4) var<storage, read> bias: array<f32>;       // (columns)
@group(0) @binding(5) var<storage, read_write> z: array<f32>;    // (size)

@compute @workgroup_size(64)
fn rescale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let column = i % params.columns;
  let at = column - params.left;  // those before the first wrap around
  var value = y[i];
  if (at < params.width) {
    var added = 0.0;
    if (HAS_BIAS) {
      added = bias[column];
    }
    value = added + (value - added) * magnitude[at] * inverseSqrt(energy[at]);
  }
  z[i] = value;
}
