// The class that each token is to name: that of the object it was matched with, or the last one, which is
// nothing and counts `rest`; and what it counts. One invocation a token.
struct Params {
  size: u32,
  queries: u32,
  room: u32,
  nothing: u32,
  rest: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matched: array<u32>;        // (B, queries + 1), see match-boxes
@group(0) @binding(2) var<storage, read> classes: array<u32>;        // (B, room)
@group(0) @binding(3) var<storage, read> shares: array<f32>;         // (2): of a class, of a box
@group(0) @binding(4) var<storage, read_write> label: array<u32>;    // (B, queries)
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;  // (B, queries)

@compute @workgroup_size(64)
fn match_labels(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let image = i / params.queries;
  let object = matched[i + image + 1u];
  label[i] = params.nothing;
  weights[i] = shares[0] * params.rest;
  if (object > 0u) {
    label[i] = classes[image * params.room + object - 1u];
    weights[i] = shares[0];
  }
}
