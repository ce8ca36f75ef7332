// How important parameters are, smoothed over steps: the sensitivity |p · g|, g being the gradient of the
// last update, and how uncertain it is (Zhang et al. 2023, eq. 8 to 10). A skipped update, or settings that
// say so, leave both alone.
struct Params {
  size: u32,
  beta1: f32,
  beta2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> settings: array<f32>;            // (4): …, …, whether it counts
@group(0) @binding(2) var<storage, read> status: array<f32>;              // (4): norm, factor, applied, t
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;          // (size) of 4 elements
@group(0) @binding(4) var<storage, read> parameter: array<vec4f>;         // (size)
@group(0) @binding(5) var<storage, read_write> sensitivity: array<vec4f>; // (size)
@group(0) @binding(6) var<storage, read_write> uncertainty: array<vec4f>; // (size)

@compute @workgroup_size(64)
fn importance(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size || settings[2] == 0.0 || status[2] == 0.0) {
    return;
  }
  let own = abs(parameter[i] * (status[1] * gradient[i]));
  let mean = params.beta1 * sensitivity[i] + (1.0 - params.beta1) * own;
  sensitivity[i] = mean;
  uncertainty[i] = params.beta2 * uncertainty[i] + (1.0 - params.beta2) * abs(own - mean);
}
