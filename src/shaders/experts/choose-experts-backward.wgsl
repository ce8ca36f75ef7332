// The gradient of the scores that shares were made of. Of the chosen, with the scale c: shares c · s give
// ds[e] = c · dshare[e]; if AMONG_CHOSEN, shares c · s / S, S being their sum, give
// ds[e] = (c · dshare[e] - Σ share · dshare) / S. 0 for all others. One invocation an expert of a row.
struct Params {
  rows: u32,
  experts: u32,
  chosen: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;          // (rows, experts)
@group(0) @binding(2) var<storage, read> experts: array<u32>;         // (rows, chosen)
@group(0) @binding(3) var<storage, read> shares: array<f32>;          // (rows, chosen)
@group(0) @binding(4) var<storage, read> d_shares: array<f32>;        // (rows, chosen)
@group(0) @binding(5) var<storage, read_write> d_scores: array<f32>;  // (rows, experts)

// As in choose-experts.
const SPARE = 1e-6;

@compute @workgroup_size(64)
fn choose_experts_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.experts) {
    return;
  }
  let row = i / params.experts;
  let first = row * params.chosen;
  var total = SPARE;
  var sum = 0.0;
  var own = 0.0;
  var is_chosen = false;
  for (var slot = first; slot < first + params.chosen; slot += 1u) {
    total += scores[row * params.experts + experts[slot]];
    sum += shares[slot] * d_shares[slot];
    if (experts[slot] == i % params.experts) {
      own = params.scale * d_shares[slot];
      is_chosen = true;
    }
  }
  if (AMONG_CHOSEN) {
    own = (own - sum) / total;
  }
  d_scores[i] = select(0.0, own, is_chosen);
}
