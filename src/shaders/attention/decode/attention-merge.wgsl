// Joins the parts that attention-decode has left of each row: their sums of values, each scaled to the
// largest score of all, over the sum of all weights. The order is that of the parts, whoever ran first.
// Behind the values of a part stand its largest score and the sum of its weights.
struct Params {
  rows: u32,
  parts: u32,
  head_size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;     // (rows, parts, head_size + 2)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, head_size)

@compute @workgroup_size(GROUP)
fn attention_merge(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let size = params.head_size;
  let pitch = size + 2u;
  let first = row * params.parts * pitch;

  var most = LOWEST;
  for (var part = lane; part < params.parts; part += LANES) {
    most = max(most, sums[first + part * pitch + size]);
  }
  let largest = max_over_row(most, lane);
  var weights = 0.0;
  for (var part = lane; part < params.parts; part += LANES) {
    let at = first + part * pitch + size;
    weights += sums[at + 1u] * exp(sums[at] - largest);
  }
  let total = sum_over_row(weights, lane);
  // A row whose keys are all masked has no sum; its output is 0.
  let scale = select(0.0, 1.0 / max(total, 1.0e-37), total > 0.0);

  for (var c = lane; c < size; c += LANES) {
    var value = 0.0;
    for (var part = 0u; part < params.parts; part++) {
      let at = first + part * pitch;
      // Parts beyond the keys there are have seen none.
      if (sums[at + size + 1u] > 0.0) {
        value += sums[at + c] * exp(sums[at + size] - largest);
      }
    }
    y[row * size + c] = value * scale;
  }
}
