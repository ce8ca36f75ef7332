// The best continuations of each row, best first; the first column on a tie. Every lane keeps a list
// of its own best, then the lists are merged. With noise they are draws without replacement, best
// draw first, still with their scores without noise. candidates: column, score, rank, and whether the
// column is an end; column -1 where there are too few.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                 // (rows, columns): log-probabilities
@group(0) @binding(2) var<storage, read> score: array<f32>;             // (rows): of the row so far
@group(0) @binding(3) var<storage, read> rules: array<u32>;             // (rows, words)
@group(0) @binding(4) var<storage, read> place: array<u32>;             // (rows, 2): position, place
@group(0) @binding(5) var<storage, read> flags: array<u32>;             // (sets, columns)
@group(0) @binding(6) var<storage, read_write> candidates: array<f32>;  // (rows, CANDIDATES, 4)

const NONE = 0xffffffffu;

// Sums of what is hidden stay hidden.
fn score_of(value: f32, before: f32) -> f32 {
  return select(value + before, LOWEST, value <= LOWEST || before <= LOWEST);
}

@compute @workgroup_size(GROUP)
fn beam_candidates(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let before = score[row];
  let flag_set = rule_word(row, FLAG_SET) * params.columns;
  var stream = vec3u();
  if (HAS_NOISE) {
    stream = vec3u(rule_word(row, SEED), place[2u * row + 1u], rule_word(row, STREAM));
  }

  var ranks: array<f32, CANDIDATES>;
  var columns: array<u32, CANDIDATES>;
  for (var j = 0u; j < CANDIDATES; j++) {
    ranks[j] = LOWEST;
    columns[j] = NONE;
  }
  var worst = LOWEST;
  var is_full = false;
  for (var column = lane; column < params.columns; column += LANES) {
    var rank = score_of(x[first + column], before);
    if (HAS_NOISE && rank > LOWEST) {
      rank += gumbel(stream, column);
    }
    if (rank > worst || !is_full) {
      var j = CANDIDATES - 1u;
      for (; j > 0u && (columns[j - 1u] == NONE || ranks[j - 1u] < rank); j--) {
        ranks[j] = ranks[j - 1u];
        columns[j] = columns[j - 1u];
      }
      ranks[j] = rank;
      columns[j] = column;
      worst = ranks[CANDIDATES - 1u];
      is_full = columns[CANDIDATES - 1u] != NONE;
    }
  }

  var head = 0u;
  for (var j = 0u; j < CANDIDATES; j++) {
    let at = min(head, CANDIDATES - 1u);
    let own = select(columns[at], NONE, head == CANDIDATES);
    let rank = select(ranks[at], LOWEST, own == NONE);
    let largest = max_over_row(rank, lane);
    let winner = min_index_over_row(select(NONE, own, rank == largest), lane);
    if (winner != NONE && winner == own) {
      head++;
    }
    if (lane == 0u) {
      let to = 4u * (row * CANDIDATES + j);
      let is_there = winner != NONE;
      let column = min(winner, params.columns - 1u);
      let value = score_of(x[first + column], before);
      candidates[to] = select(-1.0, f32(winner), is_there);
      candidates[to + 1u] = select(LOWEST, value, is_there);
      candidates[to + 2u] = largest;
      candidates[to + 3u] = select(0.0, 1.0, is_there && (flags[flag_set + column] & END) != 0u);
    }
  }
}
