// The gradient of y = cap · tanh(x / cap): dx = dy · (1 - (y / cap)²).
struct Params {
  size: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Element>;         // (size)
@group(0) @binding(2) var<storage, read> dy: array<Element>;        // (size)
@group(0) @binding(3) var<storage, read_write> dx: array<Element>;  // (size)

@compute @workgroup_size(64)
fn soft_cap_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.size / WIDTH) {
    let part = y[i] / params.factor;
    dx[i] = dy[i] * (1.0 - part * part);
  }
}
