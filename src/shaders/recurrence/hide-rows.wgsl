// Zeros in place of tokens that the table hides, or that are none. One invocation an element.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, tokens, columns)
@group(0) @binding(2) var<storage, read> place: array<u32>;    // (batches, tokens, 2)
@group(0) @binding(3) var<storage, read> table: array<u32>;    // (batches, capacity)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (batches, tokens, columns)

const HIDDEN = 0xffffffffu;

@compute @workgroup_size(64)
fn hide_rows(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.tokens * params.columns) {
    return;
  }
  let row = i / params.columns;
  let at = place[2u * row + 1u];
  let slot = table[row / params.tokens * params.capacity + min(at, params.capacity - 1u)];
  y[i] = select(x[i], 0.0, at >= params.capacity || slot == HIDDEN);
}
