// dx = dloss · beta · (1 - smoothing - σ(m)) in chosen texts, and the negative of it in rejected ones; m is
// that of the loss.
@group(0) @binding(3) var<storage, read> dloss: array<f32>;      // (pairs)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;   // (2, pairs, length)

@compute @workgroup_size(GROUP)
fn preference_loss_backward(
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
  let margin = preference_margin(row, lane);
  let small = exp(-abs(margin));
  let sigma = select(small, 1.0, margin >= 0.0) / (1.0 + small);
  let slope = dloss[row] * params.beta * (1.0 - params.smoothing - sigma);
  for (var i = first + lane; i < first + params.length; i += LANES) {
    dx[i] = slope;
    dx[rejected + i] = -slope;
  }
}
