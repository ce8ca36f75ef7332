// One step of beam search: each item's best candidates become its new beams, or hypotheses where they
// end. One invocation an item. As Hugging Face has it: ends count only among the first BEAMS
// candidates; a hypothesis is as good as its score per length to the power of the length penalty.
// moves: row to go on from; row whose tokens become the hypothesis of this place, or NONE.
// hypotheses: whether the item is done, how many there were; then score, length and number of each.
struct Params {
  items: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> candidates: array<f32>;        // (rows, CANDIDATES, 3)
@group(0) @binding(2) var<storage, read> flags: array<u32>;             // (columns)
@group(0) @binding(3) var<storage, read> rules: array<u32>;             // (words)
@group(0) @binding(4) var<storage, read> place: array<u32>;             // (rows, 2): position, slot
@group(0) @binding(5) var<storage, read_write> score: array<f32>;       // (rows)
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>;      // (rows): chosen
@group(0) @binding(7) var<storage, read_write> moves: array<u32>;       // (rows, 2)
@group(0) @binding(8) var<storage, read_write> hypotheses: array<f32>;  // (items, 2 + 3 · BEAMS)

const NONE = 0xffffffffu;
const STRIDE = 2u + 3u * BEAMS;

// The place of the worst hypothesis; of equals, the older one.
fn worst_of(at: u32, filled: u32) -> u32 {
  var worst = 0u;
  for (var j = 1u; j < filled; j++) {
    let own = hypotheses[at + 2u + 3u * j];
    let least = hypotheses[at + 2u + 3u * worst];
    let is_older = hypotheses[at + 4u + 3u * j] < hypotheses[at + 4u + 3u * worst];
    if (own < least || (own == least && is_older)) {
      worst = j;
    }
  }
  return worst;
}

fn per_length(value: f32, length: u32) -> f32 {
  return select(value / f32_rule(NORMS + length), LOWEST, value <= LOWEST);
}

@compute @workgroup_size(16)
fn beam_step(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = 16u * workgroup_index(id, count) + local;
  if (item >= params.items) {
    return;
  }
  let first = item * BEAMS;
  let at = item * STRIDE;
  let length = place[2u * first + 1u] + 1u;
  let generated = length + 1u - rules[PROMPT_LENGTH];
  for (var j = 0u; j < BEAMS; j++) {
    moves[2u * (first + j)] = first + j;
    moves[2u * (first + j) + 1u] = NONE;
  }

  // The best of all rows, merged by rank, then in the order of their scores.
  var heads: array<u32, BEAMS>;
  var places: array<u32, CANDIDATES>;
  var picked = 0u;
  for (var rank = 0u; rank < CANDIDATES; rank++) {
    var best = NONE;
    var best_rank = LOWEST;
    for (var j = 0u; j < BEAMS; j++) {
      let own = 3u * ((first + j) * CANDIDATES + heads[j]);
      if (heads[j] < CANDIDATES && candidates[own] >= 0.0) {
        let own_rank = candidates[own + 2u];
        if (best == NONE || own_rank > best_rank) {
          best = j;
          best_rank = own_rank;
        }
      }
    }
    if (best != NONE) {
      let found = 3u * ((first + best) * CANDIDATES + heads[best]);
      heads[best]++;
      let value = candidates[found + 1u];
      var j = picked;
      for (; j > 0u && candidates[places[j - 1u] + 1u] < value; j--) {
        places[j] = places[j - 1u];
      }
      places[j] = found;
      picked++;
    }
  }

  let is_done = hypotheses[at] == 1.0;
  var there = u32(hypotheses[at + 1u]);
  var filled = 0u;
  for (var rank = 0u; rank < picked && filled < BEAMS && !is_done; rank++) {
    let found = places[rank];
    let token = u32(candidates[found]);
    let value = candidates[found + 1u];
    let row = found / (3u * CANDIDATES);
    if ((flags[token] & END) == 0u) {
      score[first + filled] = value;
      tokens[first + filled] = token;
      moves[2u * (first + filled)] = row;
      filled++;
    } else if (rank < BEAMS) {
      let own = per_length(value, generated);
      var slot = there;
      if (there >= BEAMS) {
        slot = worst_of(at, BEAMS);
      }
      let to = at + 2u + 3u * slot;
      if (there < BEAMS || own > hypotheses[to]) {
        hypotheses[to] = own;
        hypotheses[to + 1u] = f32(length);
        hypotheses[to + 2u] = f32(there);
        moves[2u * (first + slot) + 1u] = row;
        there++;
      }
    }
  }
  for (; filled < BEAMS; filled++) {
    score[first + filled] = select(LOWEST, 0.0, is_done);
    tokens[first + filled] = rules[PAD_TOKEN];
  }
  hypotheses[at + 1u] = f32(there);

  // Done when no beam can become better than the worst hypothesis.
  if (!is_done && there >= BEAMS) {
    let best = candidates[places[0] + 1u];
    let worst = hypotheses[at + 2u + 3u * worst_of(at, BEAMS)];
    let reach = select(rules[ATTAINABLE_LENGTH], generated, rules[ATTAINABLE_LENGTH] == NEVER);
    if (rules[STOPS_EARLY] == 1u || worst >= per_length(best, reach)) {
      hypotheses[at] = 1.0;
    }
  }
}
