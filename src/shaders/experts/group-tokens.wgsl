// Choices, numbered token by token, in the order of their experts; and where those of each expert begin. One
// invocation an expert, and one for the end: none waits for another, and two runs agree.
struct Params {
  choices: u32,
  experts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> chosen: array<u32>;        // (choices), their experts
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;  // (experts + 1)
@group(0) @binding(3) var<storage, read_write> order: array<u32>;   // (choices)

@compute @workgroup_size(64)
fn group_tokens(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let expert = 64u * workgroup_index(id, count) + local;
  if (expert > params.experts) {
    return;
  }
  var at = 0u;
  for (var i = 0u; i < params.choices; i += 1u) {
    at += select(0u, 1u, chosen[i] < expert);
  }
  starts[expert] = at;
  for (var i = 0u; i < params.choices; i += 1u) {
    if (chosen[i] == expert) {
      order[at] = i;
      at += 1u;
    }
  }
}
