// The gradient of the loss of boxes: of distances by their signs, of GIoU = I / U + U / C - 1 by the edges
// of the box, I being what two boxes share, U the two together and C the box around them. One invocation a
// token.
struct Params {
  size: u32,
  queries: u32,
  room: u32,
  distance: f32,
  overlap: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;        // (B, queries, 4)
@group(0) @binding(2) var<storage, read> matched: array<u32>;        // (B, queries + 1), see match-boxes
@group(0) @binding(3) var<storage, read> places: array<vec4f>;       // (B, room, 4)
@group(0) @binding(4) var<storage, read> shares: array<f32>;         // (2): of a class, of a box
@group(0) @binding(5) var<storage, read> dy: array<f32>;             // (B, queries)
@group(0) @binding(6) var<storage, read_write> dboxes: array<vec4f>; // (B, queries, 4)

@compute @workgroup_size(64)
fn box_loss_backward(
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
  dboxes[i] = vec4f();
  if (object > 0u) {
    let place = places[image * params.room + object - 1u];
    let a = corners(boxes[i]);
    let b = corners(place);
    let found = overlap_of(a, b);
    // By areas: of the box itself, of what they share, of the box around both.
    let by_own = 1.0 / found.whole - found.inside / (found.united * found.united);
    let by_shared = select(0.0, 1.0 / found.united - by_own, all(found.both > vec2f()));
    let by_whole = -found.united / (found.whole * found.whole);
    // Moving an edge grows an area by the other side.
    let own = by_own * boxes[i].wz;
    let inside = by_shared * found.both.yx;
    let whole = by_whole * found.around.yx;
    let low = -own - select(vec2f(), inside, a.xy > b.xy) - select(vec2f(), whole, a.xy < b.xy);
    let high = own + select(vec2f(), inside, a.zw < b.zw) + select(vec2f(), whole, a.zw > b.zw);
    let by_box = vec4f(low + high, 0.5 * (high - low));
    let by_distance = params.distance * sign(boxes[i] - place);
    dboxes[i] = dy[i] * shares[1] * (by_distance - params.overlap * by_box);
  }
}
