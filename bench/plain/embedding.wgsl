// The usual embedding: one invocation an element.
struct Params {
  tokens: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;    // (vocabulary, columns)
@group(0) @binding(2) var<storage, read> ids: array<u32>;      // (tokens)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (tokens, columns)

@compute @workgroup_size(64)
fn plain_embedding(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.tokens * params.columns) {
    y[i] = table[ids[i / params.columns] * params.columns + i % params.columns];
  }
}
