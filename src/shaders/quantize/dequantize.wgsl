// Rows of weights in blocks as plain numbers, one invocation a word: a float, or two halves.
struct Params {
  count: u32,        // rows
  place: u32,        // the row of `plain` that the first one becomes
  columns: u32,
  pitch: u32,        // of rows of blocks
  plain_pitch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: rows of blocks
@group(0) @binding(2) var<storage, read> place_of: array<u32>;  // the column of the blocks that each one is
@group(0) @binding(3) var<storage, read_write> plain: array<u32>;

fn number_at(row: u32, column: u32) -> f32 {
  if (column >= params.columns) {
    return 0.0;
  }
  return weight_at(row * params.pitch + place_of[column]);
}

@compute @workgroup_size(64)
fn dequantize(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let in_word = select(1u, 2u, HALVES);
  let row_words = params.plain_pitch / in_word;
  if (i >= params.count * row_words) {
    return;
  }
  let row = i / row_words;
  let column = in_word * (i % row_words);
  let first = number_at(row, column);
  let at = params.place * row_words + i;
  if (HALVES) {
    plain[at] = pack2x16float(vec2f(first, number_at(row, column + 1u)));
  } else {
    plain[at] = bitcast<u32>(first);
  }
}
