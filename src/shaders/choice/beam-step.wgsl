// One step of beam search: each item's best candidates become its new beams, or hypotheses where they
// end. One invocation an item. As Hugging Face has it: ends count only among the first BEAMS
// candidates; a hypothesis is as good as its score per length to the power of the length penalty.
// moves: row to go on from; row whose tokens become the hypothesis of this place, or NONE, and the
// last token of it.
// hypotheses: whether the item is done, how many there were; then score, length and number of each,
// counted from 1; places without one have number 0 and the score UNLIKELY.
struct Params {
  items: u32,
  pitch: u32,  // norms of an item
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> candidates: array<f32>;        // (rows, CANDIDATES, 4)
@group(0) @binding(2) var<storage, read> rules: array<u32>;             // (rows, words)
@group(0) @binding(3) var<storage, read> place: array<u32>;             // (rows, 2): position, place
@group(0) @binding(4) var<storage, read> norms: array<f32>;             // (items, pitch), see below
@group(0) @binding(5) var<storage, read_write> score: array<f32>;       // (rows)
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>;      // (rows): chosen
@group(0) @binding(7) var<storage, read_write> moves: array<u32>;       // (rows, 3)
@group(0) @binding(8) var<storage, read_write> hypotheses: array<f32>;  // (items, 2 + 3 · BEAMS)

const NONE = 0xffffffffu;
const STRIDE = 2u + 3u * BEAMS;
const UNLIKELY = -1e9;

// The place of the worst hypothesis; of equals, one that is none, or the newer one.
fn worst_of(at: u32) -> u32 {
  var worst = 0u;
  for (var j = 1u; j < BEAMS; j++) {
    let own = hypotheses[at + 2u + 3u * j];
    let least = hypotheses[at + 2u + 3u * worst];
    // A number of 0 wraps round to the greatest.
    let is_newer = u32(hypotheses[at + 4u + 3u * j]) - 1u > u32(hypotheses[at + 4u + 3u * worst]) - 1u;
    if (own < least || (own == least && is_newer)) {
      worst = j;
    }
  }
  return worst;
}

// `norms` has (number of generated tokens) ^ length penalty, from 0 on.
fn per_length(value: f32, item: u32, length: u32) -> f32 {
  return select(value / norms[item * params.pitch + length], LOWEST, value <= LOWEST);
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
  let length = place[2u * first + 1u] + 2u;  // with the token that is chosen here
  let generated = length - rule_word(first, PROMPT_LENGTH);
  for (var j = 0u; j < BEAMS; j++) {
    moves[3u * (first + j)] = first + j;
    moves[3u * (first + j) + 1u] = NONE;
    moves[3u * (first + j) + 2u] = NONE;
  }

  // The best of all rows, merged by rank, then in the order of their scores.
  var heads: array<u32, BEAMS>;
  var places: array<u32, CANDIDATES>;
  var picked = 0u;
  for (var rank = 0u; rank < CANDIDATES; rank++) {
    var best = NONE;
    var best_rank = LOWEST;
    for (var j = 0u; j < BEAMS; j++) {
      let own = 4u * ((first + j) * CANDIDATES + heads[j]);
      if (heads[j] < CANDIDATES && candidates[own] >= 0.0) {
        let own_rank = candidates[own + 2u];
        if (best == NONE || own_rank > best_rank) {
          best = j;
          best_rank = own_rank;
        }
      }
    }
    if (best != NONE) {
      let found = 4u * ((first + best) * CANDIDATES + heads[best]);
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
  let is_last = length >= rule_word(first, MAX_LENGTH);
  var there = u32(hypotheses[at + 1u]);
  var filled = 0u;
  // What ends goes on, as unlikely, only where too little else does; then what is hidden.
  for (var turn = 0u; turn < 3u && !is_done; turn++) {
    for (var rank = 0u; rank < picked; rank++) {
      let found = places[rank];
      let token = u32(candidates[found]);
      let value = candidates[found + 1u];
      let row = found / (4u * CANDIDATES);
      let ends = is_last || candidates[found + 3u] == 1.0;
      if (turn == select(u32(ends), 2u, value <= LOWEST) && filled < BEAMS) {
        score[first + filled] = select(value, max(value + UNLIKELY, LOWEST), ends);
        tokens[first + filled] = token;
        moves[3u * (first + filled)] = row;
        filled++;
      }
      if (ends && turn == 0u && rank < BEAMS) {
        let own = per_length(value, item, generated);
        let slot = worst_of(at);
        let to = at + 2u + 3u * slot;
        let is_free = hypotheses[to + 2u] == 0.0;
        if (own > hypotheses[to] || (is_free && own == hypotheses[to])) {
          there++;
          hypotheses[to] = own;
          hypotheses[to + 1u] = f32(length);
          hypotheses[to + 2u] = f32(there);
          moves[3u * (first + slot) + 1u] = row;
          moves[3u * (first + slot) + 2u] = token;
        }
      }
    }
  }
  for (; filled < BEAMS; filled++) {
    score[first + filled] = select(LOWEST, 0.0, is_done);
    tokens[first + filled] = rule_word(first, PAD_TOKEN);
  }
  hypotheses[at + 1u] = f32(there);

  // Done when no beam can become better than the worst hypothesis.
  if (!is_done) {
    let worst = worst_of(at);
    let is_full = hypotheses[at + 4u + 3u * worst] > 0.0;
    let attainable = rule_word(first, ATTAINABLE_LENGTH);
    let reach = select(attainable, generated, attainable == NEVER);
    let is_beaten = per_length(score[first], item, reach) <= hypotheses[at + 2u + 3u * worst];
    if (is_beaten || (is_full && rule_word(first, STOPS_EARLY) == 1u)) {
      hypotheses[at] = 1.0;
    }
  }
}
