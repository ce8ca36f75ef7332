// Adds to the score of each token that would complete one of some sequences, in place; -∞ (LOWEST)
// hides it. Rows may have lists of their own. A list has first, for each such token: token, and from
// where to where its sequences are listed; then for each sequence: from where on its tokens stand, how many
// they are, what is added. Places count from the beginning of the list.
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,   // tokens of a row of `history`
  targets: u32, // tokens that complete sequences of a list, at most
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sequences: array<u32>;  // (words)
@group(0) @binding(2) var<storage, read> history: array<u32>;    // (rows, pitch)
@group(0) @binding(3) var<storage, read> place: array<u32>;      // (rows, 2): position, place
@group(0) @binding(4) var<storage, read> rules: array<u32>;      // (rows, words)
@group(0) @binding(5) var<storage, read_write> x: array<f32>;    // (rows, columns)

@compute @workgroup_size(64)
fn sequence_bias(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let row = i / params.targets;
  if (row >= params.rows || i % params.targets >= rule_word(row, TARGETS)) {
    return;
  }
  let list = rule_word(row, SEQUENCES);
  let target_at = list + 3u * (i % params.targets);
  let length = place[2u * row + 1u] + 1u;
  let end = row * params.pitch + length;
  let column = row * params.columns + sequences[target_at];
  var score = x[column];
  let end_at = list + sequences[target_at + 2u];
  for (var at = list + sequences[target_at + 1u]; at < end_at; at += 3u) {
    let tokens = list + sequences[at];
    let size = sequences[at + 1u];
    // What stands before the last token may be all there is.
    var matches = size <= length + 1u;
    for (var j = 0u; matches && j + 1u < size; j++) {
      matches = sequences[tokens + j] == history[end + 1u + j - size];
    }
    let bias = bitcast<f32>(sequences[at + 2u]);
    if (matches && score > LOWEST) {
      score = select(score + bias, LOWEST, bias <= LOWEST);
    }
  }
  x[column] = score;
}
