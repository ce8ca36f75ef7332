// y = keep · x + factor · value in some sequences, positions and heads, x in the others. One invocation an
// element. Rows of x are tokens with heads among their columns, or, if HEADS_FIRST, those of one head each.
struct Params {
  size: u32,
  columns: u32,    // of x
  first: u32,      // where heads begin among them
  heads: u32,
  head_size: u32,
  tokens: u32,     // rows of a sequence in x
  sequences: u32,  // of the rule
  positions: u32,  // of the rule; further ones are as they are
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (sequences, tokens, columns) or with heads
@group(0) @binding(2) var<storage, read> value: array<f32>;    // (head_size), or if EACH as the heads of x
@group(0) @binding(3) var<storage, read> rule: array<f32>;     // keep, factor, sequences, positions, heads
@group(0) @binding(4) var<storage, read> place: array<u32>;    // (sequences, tokens, 2), if PLACED
@group(0) @binding(5) var<storage, read_write> y: array<f32>;  // as x

@compute @workgroup_size(64)
fn edit(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let row = i / params.columns;
  let column = i % params.columns - params.first;  // wraps before the first one
  var token = row;  // (sequences, tokens), linear
  var head = column / params.head_size;
  if (HEADS_FIRST) {
    head = row / params.tokens % params.heads;
    token = row / params.tokens / params.heads * params.tokens + row % params.tokens;
  }
  let sequence = token / params.tokens;
  var position = token % params.tokens;
  if (PLACED) {
    position = place[2u * token + 1u];
  }
  if (head >= params.heads || position >= params.positions) {
    y[i] = x[i];
    return;
  }
  let positions = 2u + params.sequences;
  let acts = rule[2u + sequence] * rule[positions + position]
    * rule[positions + params.positions + head];
  if (acts == 0.0) {
    y[i] = x[i];
    return;
  }
  let inner = column % params.head_size;
  var at = inner;
  if (EACH) {
    let place_of_head = (sequence * params.positions + position) * params.heads + head;
    let head_of_place = (sequence * params.heads + head) * params.positions + position;
    at = select(place_of_head, head_of_place, HEADS_FIRST) * params.head_size + inner;
  }
  y[i] = rule[0] * x[i] + rule[1] * value[at];
}
