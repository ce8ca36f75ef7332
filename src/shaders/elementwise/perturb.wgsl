// y = prior + step · x / √energy of each row; or, if BOUNDED, x with rows no longer than `most`. Rows without
// energy have no direction. If EACH, the same of elements: prior + step · sign x, or x within ±most. One
// invocation an element.
struct Params {
  size: u32,
  columns: u32,
  step: f32,
  most: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns): size
@group(0) @binding(2) var<storage, read> energy: array<f32>;    // (rows): the sums of the squares of x
@group(0) @binding(3) var<storage, read> prior: array<f32>;     // (size)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (size)

@compute @workgroup_size(64)
fn perturb(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  if (EACH && BOUNDED) {
    y[i] = clamp(x[i], -params.most, params.most);
    return;
  }
  var value = 0.0;
  if (EACH) {
    value = params.step * sign(x[i]);
  } else {
    let own = energy[i / params.columns];
    let inverse = select(0.0, inverseSqrt(own), own > 0.0);
    if (BOUNDED) {
      y[i] = x[i] * min(1.0, select(1.0, params.most * inverse, own > 0.0));
      return;
    }
    value = params.step * x[i] * inverse;
  }
  if (HAS_PRIOR) {
    value += prior[i];
  }
  y[i] = value;
}
