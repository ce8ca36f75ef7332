// The gradient of what each choice of a token has computed: dx[c] = share[c] · dy[c / chosen]. One invocation
// an element.
struct Params {
  choices: u32,
  chosen: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> shares: array<f32>;    // (choices)
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // (choices / chosen, columns)
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // (choices, columns)

@compute @workgroup_size(64)
fn mix_experts_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.choices * params.columns) {
    return;
  }
  let choice = i / params.columns;
  dx[i] = shares[choice] * dy[choice / params.chosen * params.columns + i % params.columns];
}
