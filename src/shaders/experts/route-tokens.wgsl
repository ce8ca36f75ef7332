// The experts of each token: those of its largest logits, the largest first, and the earlier ones of equals;
// and their shares, the softmax over all experts or, if AMONG_CHOSEN, over these alone (Shazeer et al., 2017,
// arXiv 1701.06538, §2.1).
struct Params {
  rows: u32,
  experts: u32,
  chosen: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;         // (rows, experts)
@group(0) @binding(2) var<storage, read_write> experts: array<u32>;  // (rows, chosen)
@group(0) @binding(3) var<storage, read_write> shares: array<f32>;   // (rows, chosen)

const NONE = 0xffffffffu;

@compute @workgroup_size(GROUP)
fn route_tokens(
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
  let end = first + params.experts;
  let to = row * params.chosen;

  // What is chosen comes behind what was chosen before: it is less, or as much and later.
  var bound = 3.0e38;
  var before = 0u;
  var largest = 0.0;
  var total = 0.0;
  for (var slot = 0u; slot < params.chosen; slot += 1u) {
    var best = LOWEST;
    for (var i = first + lane; i < end; i += LANES) {
      if (logits[i] < bound || (logits[i] == bound && i > before)) {
        best = max(best, logits[i]);
      }
    }
    best = max_over_row(best, lane);
    var place = NONE;
    for (var i = first + lane; i < end; i += LANES) {
      if (logits[i] == best && (best < bound || i > before)) {
        place = min(place, i);
      }
    }
    place = min_index_over_row(place, lane);
    bound = best;
    before = place;
    if (slot == 0u) {
      largest = best;
    }
    let share = exp(best - largest);
    total += share;
    if (lane == 0u) {
      experts[to + slot] = min(place - first, params.experts - 1u);
      shares[to + slot] = share;
    }
  }
  if (!AMONG_CHOSEN) {
    var all = 0.0;
    for (var i = first + lane; i < end; i += LANES) {
      all += exp(logits[i] - largest);
    }
    total = sum_over_row(all, lane);
  }
  if (lane == 0u) {
    for (var slot = 0u; slot < params.chosen; slot += 1u) {
      shares[to + slot] /= total;
    }
  }
}
