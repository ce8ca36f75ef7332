// What it costs to have a token of an image stand for one of its objects: "End-to-End Object Detection with
// Transformers" (Carion et al., 2020, arXiv 2005.12872), §3.1: -class_cost · p + box_cost · ‖a - b‖₁ -
// overlap_cost · GIoU. One invocation a pair; those beyond an image's objects mean nothing.
struct Params {
  size: u32,
  queries: u32,
  room: u32,
  columns: u32,
  class_cost: f32,
  box_cost: f32,
  overlap_cost: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;  // (B, queries, columns)
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;        // (B, queries, 4)
@group(0) @binding(3) var<storage, read> classes: array<u32>;        // (B, room)
@group(0) @binding(4) var<storage, read> places: array<vec4f>;       // (B, room, 4)
@group(0) @binding(5) var<storage, read_write> costs: array<f32>;    // (B, room, queries)

@compute @workgroup_size(64)
fn box_costs(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let object = i / params.queries;
  let query = object / params.room * params.queries + i % params.queries;
  let distance = dot(abs(boxes[query] - places[object]), vec4f(1.0));
  costs[i] = params.box_cost * distance
    - params.class_cost * probabilities[query * params.columns + classes[object]]
    - params.overlap_cost * generalized_overlap(boxes[query], places[object]);
}
