// y = x · factor, or factor · tanh(x / factor) when CAPPED (Gemma 2, arXiv 2408.00118, §2).
struct Params {
  size: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;        // (size)
@group(0) @binding(2) var<storage, read_write> y: array<Element>;  // (size)

@compute @workgroup_size(64)
fn scale(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size / WIDTH) {
    return;
  }
  if (CAPPED) {
    y[i] = params.factor * precise_tanh(x[i] / params.factor);
  } else {
    y[i] = x[i] * params.factor;
  }
}
