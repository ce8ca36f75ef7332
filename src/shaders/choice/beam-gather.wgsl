// What each new beam continues: tokens and block table of the beam it comes from, and the chosen token
// behind them. The keys and values themselves stay where they are. Tokens of new hypotheses are kept.
struct Params {
  rows: u32,
  pitch: u32,     // tokens of a row of `history`
  capacity: u32,  // tokens of a row of `table`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> moves: array<u32>;               // (rows, 3): see beam-step
@group(0) @binding(2) var<storage, read> tokens: array<u32>;              // (rows): chosen
@group(0) @binding(3) var<storage, read> place: array<u32>;               // (rows, 2): position, place
@group(0) @binding(4) var<storage, read> history: array<u32>;             // (rows, pitch)
@group(0) @binding(5) var<storage, read> table: array<u32>;               // (rows, capacity)
@group(0) @binding(6) var<storage, read_write> next_history: array<u32>;  // (rows, pitch)
@group(0) @binding(7) var<storage, read_write> next_table: array<u32>;    // (rows, capacity)
@group(0) @binding(8) var<storage, read_write> ended: array<u32>;         // (rows, pitch): of hypotheses

const NONE = 0xffffffffu;

@compute @workgroup_size(64)
fn beam_gather(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let row = i / params.pitch;
  let at = i % params.pitch;
  if (row >= params.rows) {
    return;
  }
  let last = place[2u * row + 1u];
  let origin = moves[3u * row];
  let kept = moves[3u * row + 1u];
  let token = history[origin * params.pitch + at];
  next_history[i] = select(token, tokens[row], at == last + 1u);
  if (at < params.capacity) {
    // What is still to come is the row's own.
    let source = select(row, origin, at <= last);
    next_table[row * params.capacity + at] = table[source * params.capacity + at];
  }
  if (kept != NONE) {
    ended[i] = select(history[kept * params.pitch + at], moves[3u * row + 2u], at == last + 1u);
  }
}
