// The experts of each token, by scores above 0: those whose scores are the largest together with their
// biases, which count in the choice alone, the largest first and the earlier ones of equals
// ("Auxiliary-Loss-Free Load Balancing", Wang et al., 2024, arXiv 2408.15664, §3). Their shares are `scale`
// times the scores or, if AMONG_CHOSEN, times their parts of the sum of these.
struct Params {
  rows: u32,
  experts: u32,
  chosen: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;         // (rows, experts)
@group(0) @binding(2) var<storage, read> bias: array<f32>;           // (experts)
@group(0) @binding(3) var<storage, read_write> experts: array<u32>;  // (rows, chosen)
@group(0) @binding(4) var<storage, read_write> shares: array<f32>;   // (rows, chosen)

const NONE = 0xffffffffu;
// Added to the sum, which may be 0.
const SPARE = 1e-6;

// What an expert is chosen by.
fn rank_of(first: u32, expert: u32) -> f32 {
  if (HAS_BIAS) {
    return scores[first + expert] + bias[expert];
  }
  return scores[first + expert];
}

@compute @workgroup_size(GROUP)
fn choose_experts(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.experts;
  let to = row * params.chosen;

  // What is chosen comes behind what was chosen before: it ranks less, or as much and later.
  var bound = 3.0e38;
  var before = 0u;
  var total = 0.0;
  for (var slot = 0u; slot < params.chosen; slot += 1u) {
    var best = LOWEST;
    for (var i = lane; i < params.experts; i += LANES) {
      let rank = rank_of(first, i);
      if (rank < bound || (rank == bound && i > before)) {
        best = max(best, rank);
      }
    }
    best = max_over_row(best, lane);
    var place = NONE;
    for (var i = lane; i < params.experts; i += LANES) {
      if (rank_of(first, i) == best && (best < bound || i > before)) {
        place = min(place, i);
      }
    }
    place = min(min_index_over_row(place, lane), params.experts - 1u);
    bound = best;
    before = place;
    let score = scores[first + place];
    total += score;
    if (lane == 0u) {
      experts[to + slot] = place;
      shares[to + slot] = score;
    }
  }
  if (lane == 0u) {
    let factor = select(params.scale, params.scale / (total + SPARE), AMONG_CHOSEN);
    for (var slot = 0u; slot < params.chosen; slot += 1u) {
      shares[to + slot] *= factor;
    }
  }
}
