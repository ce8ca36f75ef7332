// The gradient of a bias by distance, from the sums of diagonals of tiles. Distance `place - first` has
// its sums at `place` of a line on which each diagonal of tiles lies `size` after the one before it,
// both overlapping: a distance has a sum in two of them, or in one. The first and the last distance
// take all beyond. One invocation an element.
struct Params {
  batches: u32,
  heads: u32,
  diagonals: u32,
  size: u32,
  first: u32,  // the place of distance 0
  distances: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dscores: array<f32>;       // (batches, heads, diagonals, 2 · size)
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;  // (distances, heads)

@compute @workgroup_size(64)
fn attention_backward_distance(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.distances * params.heads) {
    return;
  }
  let head = index % params.heads;
  let distance = index / params.heads;
  let reach = params.distances / 2u;
  let last = (params.diagonals + 1u) * params.size - 1u;
  // Places below 0 or beyond the last one are those of no pair.
  var begin = i32(params.first + distance) - i32(reach);
  var end = begin + 1;
  if (distance == 0u) {
    begin = 0;
  }
  if (distance + 1u == params.distances) {
    end = i32(last);
  }
  var sum = 0.0;
  for (var place = u32(max(begin, 0)); place < u32(clamp(end, 0, i32(last))); place += 1u) {
    let later = min(place / params.size, params.diagonals - 1u);
    let earlier = select(later, later - 1u, later > 0u && place < (later + 1u) * params.size - 1u);
    for (var batch = 0u; batch < params.batches; batch += 1u) {
      for (var d = earlier; d <= later; d += 1u) {
        let at = (batch * params.heads + head) * params.diagonals + d;
        sum += dscores[at * 2u * params.size + place - d * params.size];
      }
    }
  }
  dbias[index] = sum;
}
