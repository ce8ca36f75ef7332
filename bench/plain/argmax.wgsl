// The usual argmax: a workgroup of 64 a row, values and indices go up a tree together.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (rows, columns)
@group(0) @binding(2) var<storage, read_write> index: array<u32>;  // (rows)

var<workgroup> best: array<f32, 64>;
var<workgroup> places: array<u32, 64>;

@compute @workgroup_size(64)
fn plain_argmax(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = min(workgroup_index(id, count), params.rows - 1u);
  best[local] = -3.0e38;
  places[local] = 0u;
  for (var i = local; i < params.columns; i += 64u) {
    let value = x[row * params.columns + i];
    if (value > best[local]) {
      best[local] = value;
      places[local] = i;
    }
  }
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      let other = local + half;
      let tied = best[other] == best[local] && places[other] < places[local];
      if (best[other] > best[local] || tied) {
        best[local] = best[other];
        places[local] = places[other];
      }
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    index[row] = places[0];
  }
}
