// One more object of each image gets a token of its own, so that all cost as little as they can: a shortest
// augmenting path of the assignment problem (Kuhn, 1955; Jonker and Volgenant, 1987). Potentials u of
// objects and v of tokens, and what is matched, stay from object to object, and begin anew with the first.
// Objects and tokens count from 1; column 0 stands for the object that is looked for. One invocation an
// image.
struct Params {
  batches: u32,
  queries: u32,
  room: u32,
  object: u32,  // from 0 on
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> costs: array<f32>;          // (batches, room, queries)
@group(0) @binding(2) var<storage, read> sizes: array<u32>;          // (batches), their objects
@group(0) @binding(3) var<storage, read_write> u: array<f32>;        // (batches, room + 1)
@group(0) @binding(4) var<storage, read_write> v: array<f32>;        // (batches, queries + 1)
@group(0) @binding(5) var<storage, read_write> least: array<f32>;    // (batches, queries + 1)
@group(0) @binding(6) var<storage, read_write> way: array<u32>;      // (batches, queries + 1)
@group(0) @binding(7) var<storage, read_write> matched: array<u32>;  // (batches, queries + 1), 0 = nothing

const FAR = 1.0e30;
const DONE = -1.0e30;

@compute @workgroup_size(64)
fn match_boxes(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let image = 64u * workgroup_index(id, count) + local;
  if (image >= params.batches) {
    return;
  }
  let columns = params.queries + 1u;
  let first = image * columns;
  let objects = image * (params.room + 1u);
  if (params.object == 0u) {
    for (var i = 0u; i <= params.room; i += 1u) {
      u[objects + i] = 0.0;
    }
    for (var j = 0u; j < columns; j += 1u) {
      v[first + j] = 0.0;
      least[first + j] = FAR;
      way[first + j] = 0u;
      matched[first + j] = 0u;
    }
  }
  if (params.object >= sizes[image]) {
    return;
  }
  matched[first] = params.object + 1u;
  for (var j = 0u; j < columns; j += 1u) {
    least[first + j] = FAR;
  }

  // Each turn takes the token that is nearest, until one is free.
  var column = 0u;
  for (var turn = 0u; turn <= params.object; turn += 1u) {
    least[first + column] = DONE;
    let own = matched[first + column];
    let row = (image * params.room + own - 1u) * params.queries;
    let potential = u[objects + own];
    var nearest = 0u;
    var delta = FAR;
    for (var j = 1u; j < columns; j += 1u) {
      if (least[first + j] != DONE) {
        let reduced = costs[row + j - 1u] - potential - v[first + j];
        if (reduced < least[first + j]) {
          least[first + j] = reduced;
          way[first + j] = column;
        }
        if (least[first + j] < delta) {
          delta = least[first + j];
          nearest = j;
        }
      }
    }
    for (var j = 0u; j < columns; j += 1u) {
      if (least[first + j] == DONE) {
        u[objects + matched[first + j]] += delta;
        v[first + j] -= delta;
      } else {
        least[first + j] -= delta;
      }
    }
    column = nearest;
    if (matched[first + column] == 0u) {
      break;
    }
  }
  // Back along the way, each token taking over the object of the one before.
  while (column != 0u) {
    let before = way[first + column];
    matched[first + column] = matched[first + before];
    column = before;
  }
}
