// Ends a step of decoding: the chosen tokens join their sequences, and the places move on. The last ones of
// each sequence are kept besides, for whoever looks after several steps only; LOST stands for those that were
// chosen once a cache could not hold what it was to.
struct Params {
  rows: u32,
  pitch: u32,  // tokens of a row of `history`
  span: u32,   // tokens of a row of `recent`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;         // (rows)
@group(0) @binding(2) var<storage, read_write> place: array<u32>;    // (rows, 2): position, place
@group(0) @binding(3) var<storage, read_write> history: array<u32>;  // (rows, pitch)
@group(0) @binding(4) var<storage, read_write> recent: array<u32>;   // (rows, span): by place % span
@group(0) @binding(5) var<storage, read> spill: array<u32>;          // (1), see half-pair

const LOST = 0xffffffffu;

@compute @workgroup_size(64)
fn append_tokens(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = 64u * workgroup_index(id, count) + local;
  if (row >= params.rows) {
    return;
  }
  let next = place[2u * row + 1u] + 1u;
  if (HAS_HISTORY && next < params.pitch) {
    history[row * params.pitch + next] = tokens[row];
  }
  var token = tokens[row];
  if (HAS_SPILL && spill[0] != 0u) {
    token = LOST;
  }
  recent[row * params.span + next % params.span] = token;
  place[2u * row] += 1u;
  place[2u * row + 1u] = next;
}
