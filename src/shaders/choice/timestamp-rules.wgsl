// Rules of time stamps, the last tokens of a vocabulary, in place: they come in pairs and never go back, and
// where all of them together are more likely than any other token, one of them comes ("Robust Speech
// Recognition via Large-Scale Weak Supervision", Radford et al. 2022, section 3.8).
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,  // tokens of a row of `history`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> history: array<u32>;  // (rows, pitch)
@group(0) @binding(2) var<storage, read> rules: array<u32>;    // (rows, words)
@group(0) @binding(3) var<storage, read> place: array<u32>;    // (rows, 2): position, place
@group(0) @binding(4) var<storage, read_write> x: array<f32>;  // (rows, columns)

// Columns that may come: texts from `text` to before `stamps`, time stamps from `earliest` to before `end`.
struct Open {
  text: u32,
  stamps: u32,
  earliest: u32,
  end: u32,
}

// What the tokens behind the prompt leave open.
fn open_columns(row: u32) -> Open {
  let stamps = rule_word(row, TIMESTAMP_BEGIN);
  // Without stamps all columns are texts.
  var open = Open(0u, min(stamps, params.columns), stamps, params.columns);
  let begin = rule_word(row, PROMPT_LENGTH);
  let length = place[2u * row + 1u] + 1u;
  let tokens = row * params.pitch;
  if (stamps >= params.columns) {
    return open;
  }
  if (length <= begin) {
    open.text = stamps;
    open.end = min(params.columns, rule_word(row, INITIAL_TIMESTAMPS));
    return open;
  }
  let follows_stamp = history[tokens + length - 1u] >= stamps;
  let follows_pair = length < begin + 2u || history[tokens + length - 2u] >= stamps;
  var last = length;
  while (last > begin && history[tokens + last - 1u] < stamps) {
    last -= 1u;
  }
  if (last > begin) {
    // The second of a pair may be like the first; a new one is later.
    open.earliest = history[tokens + last - 1u] + select(1u, 0u, follows_stamp && !follows_pair);
  }
  if (follows_stamp && follows_pair) {
    open.end = open.earliest;
  } else if (follows_stamp) {
    open.text = rule_word(row, END_TOKEN);
  }
  return open;
}

@compute @workgroup_size(GROUP)
fn timestamp_rules(
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
  let open = open_columns(row);
  // The token before the time stamps says that there are none.
  let text_end = open.stamps - select(0u, 1u, open.stamps < params.columns);

  var text = LOWEST;
  for (var column = open.text + lane; column < text_end; column += LANES) {
    text = max(text, x[first + column]);
  }
  var stamp = LOWEST;
  for (var column = open.earliest + lane; column < open.end; column += LANES) {
    stamp = max(stamp, x[first + column]);
  }
  let best_text = max_over_row(text, lane);
  let best_stamp = max_over_row(stamp, lane);
  var total = 0.0;
  for (var column = open.earliest + lane; column < open.end; column += LANES) {
    total += select(exp(x[first + column] - best_stamp), 0.0, x[first + column] <= LOWEST);
  }
  let sum = sum_over_row(total, lane);
  let has_stamps = best_stamp > LOWEST && best_stamp + log(max(sum, 1.0)) > best_text;
  let hides_texts = open.stamps < params.columns && has_stamps;

  for (var column = lane; column < params.columns; column += LANES) {
    let is_text = column >= open.text && column < text_end && !hides_texts;
    let is_stamp = column >= open.earliest && column < open.end;
    if (!is_text && !is_stamp) {
      x[first + column] = LOWEST;
    }
  }
}
