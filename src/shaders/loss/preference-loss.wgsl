// loss = (1 - smoothing) · log(1 + e^-m) + smoothing · log(1 + e^m), where m = beta · Σ (reference - x) of
// the chosen text, less the same of the rejected one.
struct Params {
  pairs: u32,
  length: u32,
  beta: f32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (2, pairs, length)
@group(0) @binding(2) var<storage, read> reference: array<f32>;   // (2, pairs, length)
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;  // (pairs)

@compute @workgroup_size(GROUP)
fn preference_loss(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.pairs) {
    return;
  }
  let first = row * params.length;
  let rejected = params.pairs * params.length;
  var gain = 0.0;
  for (var i = first + lane; i < first + params.length; i += LANES) {
    gain += (reference[i] - x[i]) - (reference[rejected + i] - x[rejected + i]);
  }
  let margin = params.beta * sum_over_row(gain, lane);
  if (lane == 0u) {
    // log(1 + e^-m) and log(1 + e^m) share what no large m makes overflow.
    let rest = log(1.0 + exp(-abs(margin)));
    loss[row] = rest + (1.0 - params.smoothing) * max(-margin, 0.0) + params.smoothing * max(margin, 0.0);
  }
}
