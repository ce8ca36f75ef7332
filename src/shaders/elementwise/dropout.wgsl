// y = x · keep + residual: keep is 0 with the probability of the rate, else 1 / (1 - rate). No mask
// is stored: whether an element is kept is computed from seed, step, site and place. So the way
// back is the same kernel. Dropout, Srivastava et al., JMLR 15 (2014).
struct Params {
  size: u32,
  together: u32,    // elements in a row that share a draw
  site: u32,
  drop_below: u32,  // rate · 2³²
  keep_scale: f32,  // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (size)
@group(0) @binding(2) var<storage, read> residual: array<f32>;  // (size)
@group(0) @binding(3) var<storage, read> random: array<u32>;    // (2): seed, step
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (size)

@compute @workgroup_size(64)
fn dropout(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let bits = random_bits(vec3u(random[0], random[1], params.site), i / params.together);
  var value = select(0.0, x[i] * params.keep_scale, bits >= params.drop_below);
  if (HAS_RESIDUAL) {
    value += residual[i];
  }
  y[i] = value;
}
