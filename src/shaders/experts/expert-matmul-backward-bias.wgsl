// db[e] = Σ dy[c] over the choices c of each expert, in their order; 0 for experts that no token chose. One
// invocation a column of an expert.
struct Params {
  experts: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // (choices, columns)
@group(0) @binding(2) var<storage, read> starts: array<u32>;    // (experts + 1), see group-tokens
@group(0) @binding(3) var<storage, read> order: array<u32>;     // (choices)
@group(0) @binding(4) var<storage, read_write> db: array<f32>;  // (experts, columns)

@compute @workgroup_size(64)
fn expert_matmul_backward_bias(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.experts * params.columns) {
    return;
  }
  let expert = i / params.columns;
  var sum = 0.0;
  for (var at = starts[expert]; at < starts[expert + 1u]; at += 1u) {
    sum += dy[order[at] * params.columns + i % params.columns];
  }
  db[i] = sum;
}
