// How far the box of each token lies from that of the object it was matched with (DETR, arXiv 2005.12872,
// §3.1): share · (distance · ‖a - b‖₁ + overlap · (1 - GIoU)), 0 of tokens without one. One invocation a
// token.
struct Params {
  size: u32,
  queries: u32,
  room: u32,
  distance: f32,
  overlap: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;    // (B, queries, 4)
@group(0) @binding(2) var<storage, read> matched: array<u32>;    // (B, queries + 1), see match-boxes
@group(0) @binding(3) var<storage, read> places: array<vec4f>;   // (B, room, 4)
@group(0) @binding(4) var<storage, read> shares: array<f32>;     // (2): of a class, of a box
@group(0) @binding(5) var<storage, read_write> y: array<f32>;    // (B, queries)

@compute @workgroup_size(64)
fn box_loss(
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
  y[i] = 0.0;
  if (object > 0u) {
    let place = places[image * params.room + object - 1u];
    let far = dot(abs(boxes[i] - place), vec4f(1.0));
    let apart = 1.0 - generalized_overlap(boxes[i], place);
    y[i] = shares[1] * (params.distance * far + params.overlap * apart);
  }
}
