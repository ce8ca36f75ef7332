// The output of a layer, or what the layer was given where it is dropped as a whole; zeros stand for what
// is not bound. Whether it is dropped is computed from seed, step and site. One invocation an element.
struct Params {
  size: u32,
  site: u32,
  drop_below: u32,  // rate · 2³²
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> given: array<f32>;     // (size)
@group(0) @binding(2) var<storage, read> output: array<f32>;    // (size)
@group(0) @binding(3) var<storage, read> random: array<u32>;    // (2): seed, step
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (size)

@compute @workgroup_size(64)
fn layer_drop(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let bits = random_bits(vec3u(random[0], random[1], params.site), 0u);
  var value = 0.0;
  if (bits < params.drop_below) {
    if (HAS_GIVEN) {
      value = given[i];
    }
  } else if (HAS_OUTPUT) {
    value = output[i];
  }
  y[i] = value;
}
