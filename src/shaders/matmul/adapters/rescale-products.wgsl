// products = dz · (y - bias) / √energy, of columns from `left` on: their sums are the magnitude's gradient.
// One invocation an element.
struct Params {
  size: u32,
  columns: u32,
  left: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dz: array<f32>;              // (rows, columns)
@group(0) @binding(2) var<storage, read> y: array<f32>;               // (rows, columns)
@group(0) @binding(3) var<storage, read> energy: array<f32>;          // (width)
@group(0) @binding(4) var<storage, read> bias: array<f32>;            // (columns)
@group(0) @binding(5) var<storage, read_write> products: array<f32>;  // (rows, width): size

@compute @workgroup_size(64)
fn rescale_products(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let at = i % params.width;
  let place = i / params.width * params.columns + params.left + at;
  var own = y[place];
  if (HAS_BIAS) {
    own -= bias[params.left + at];
  }
  products[i] = dz[place] * own * inverseSqrt(energy[at]);
}
