// loss = (1 - smoothing) · log(1 + e^-m) + smoothing · log(1 + e^m), where m = beta · Σ (reference - x) of
// the chosen text, less the same of the rejected one.
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
  let margin = preference_margin(row, lane);
  if (lane == 0u) {
    // log(1 + e^-m) and log(1 + e^m) share what no large m makes overflow.
    let rest = log(1.0 + exp(-abs(margin)));
    loss[row] = rest + (1.0 - params.smoothing) * max(-margin, 0.0) + params.smoothing * max(margin, 0.0);
  }
}
