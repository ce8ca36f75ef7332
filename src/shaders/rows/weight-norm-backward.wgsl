// The gradient of y = length / √energy. One invocation a step.
struct Params {
  steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> energy: array<f32>;           // (steps)
@group(0) @binding(2) var<storage, read> length: array<f32>;           // (steps)
@group(0) @binding(3) var<storage, read> dy: array<f32>;               // (steps)
@group(0) @binding(4) var<storage, read_write> d_energy: array<f32>;   // (steps)
@group(0) @binding(5) var<storage, read_write> d_length: array<f32>;   // (steps)

@compute @workgroup_size(64)
fn weight_norm_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let step = 64u * workgroup_index(id, count) + local;
  if (step >= params.steps) {
    return;
  }
  let slope = dy[step] * inverseSqrt(energy[step]);
  d_length[step] = slope;
  d_energy[step] = -0.5 * slope * length[step] / energy[step];
}
