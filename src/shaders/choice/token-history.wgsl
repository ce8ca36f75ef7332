// Applies the rules that go by the tokens there are already, in place. Each invocation has one token
// of a list, the sequence itself or its source, and sees to it alone where the list has it first:
// so every column is changed once. CTRL, Keskar et al. 2019, §4.1 (repetition penalty).
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,   // tokens of a row of `history`
  listed: u32,  // tokens of a row of `list`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> history: array<u32>;  // (rows, pitch)
@group(0) @binding(2) var<storage, read> list: array<u32>;     // (rows, listed)
@group(0) @binding(3) var<storage, read> rules: array<u32>;    // (rows, words)
@group(0) @binding(4) var<storage, read> place: array<u32>;    // (rows, 2): position, place
@group(0) @binding(5) var<storage, read_write> x: array<f32>;  // (rows, columns)

// Whether the list has, before place `at`, what the sequence ends with: the start of an n-gram.
fn follows_repeated(first: u32, at: u32, end: u32, ngram: u32) -> bool {
  if (at + 1u < ngram) {
    return false;
  }
  for (var back = 1u; back < ngram; back++) {
    if (list[first + at - back] != history[end - back]) {
      return false;
    }
  }
  return true;
}

@compute @workgroup_size(64)
fn token_history(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let row = i / params.listed;
  let at = i % params.listed;
  if (row >= params.rows) {
    return;
  }
  let length = place[2u * row + 1u] + 1u;
  let listed = select(length, rule_word(row, SOURCE_LENGTH), IS_SOURCE);
  if (at >= listed) {
    return;
  }
  let first = row * params.listed;
  let token = list[first + at];
  for (var before = 0u; before < at; before++) {
    if (list[first + before] == token) {
      return;
    }
  }
  let column = row * params.columns + token;
  var score = x[column];
  if (token >= params.columns || score <= LOWEST) {
    return;
  }

  let ngram = rule_word(row, select(NGRAM, SOURCE_NGRAM, IS_SOURCE));
  let end = row * params.pitch + length;
  // As in Hugging Face, n-grams may lie in padding, but the penalty leaves it out.
  var is_penalized = IS_SOURCE;
  var is_repeated = false;
  var generated = 0.0;
  for (var other = at; other < listed; other++) {
    if (list[first + other] == token) {
      is_penalized = is_penalized || other >= rule_word(row, PADDING);
      generated += select(0.0, 1.0, other >= rule_word(row, PROMPT_LENGTH));
      is_repeated = is_repeated
        || (ngram > 0u && length + 1u >= ngram && follows_repeated(first, other, end, ngram));
    }
  }
  if (is_penalized) {
    let penalty = rule_number(row, select(PENALTY, SOURCE_PENALTY, IS_SOURCE));
    score = select(score / penalty, score * penalty, score < 0.0);
  }
  if (!IS_SOURCE) {
    score -= min(generated, 1.0) * rule_number(row, PRESENCE)
      + generated * rule_number(row, FREQUENCY);
  }
  x[column] = select(score, LOWEST, is_repeated);
}
