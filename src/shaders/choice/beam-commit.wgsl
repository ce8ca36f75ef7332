// Ends a step of beam search: what the beams continue replaces what they were, and the places move on.
struct Params {
  rows: u32,
  pitch: u32,     // tokens of a row of `history`
  capacity: u32,  // tokens of a row of `table`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> next_history: array<u32>;   // (rows, pitch)
@group(0) @binding(2) var<storage, read> next_table: array<u32>;     // (rows, capacity)
@group(0) @binding(3) var<storage, read_write> history: array<u32>;  // (rows, pitch)
@group(0) @binding(4) var<storage, read_write> table: array<u32>;    // (rows, capacity)
@group(0) @binding(5) var<storage, read_write> place: array<u32>;    // (rows, 2): position, place

@compute @workgroup_size(64)
fn beam_commit(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.rows * params.pitch) {
    history[i] = next_history[i];
  }
  if (i < params.rows * params.capacity) {
    table[i] = next_table[i];
  }
  if (i < 2u * params.rows) {
    place[i] += 1u;
  }
}
