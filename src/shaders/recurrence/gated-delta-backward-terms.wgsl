// The gradients of what a scan goes by, column by column of keys: of W, -dV' Sᵀ, of exp(G) Q, dy Sᵀ, and
// of exp(G_end - G) K, V' dS'ᵀ; and row by row of a state, S · dS'. One invocation a token of a chunk and
// a column.
struct Params {
  size: u32,    // batches · heads · chunks · key_size · CHUNK
  tokens: u32,
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,   // token of the first chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;              // (batches, tokens, heads, value_size)
@group(0) @binding(2) var<storage, read> states: array<f32>;          // (…, chunks, key_size, value_size)
@group(0) @binding(3) var<storage, read> d_states: array<f32>;        // (…, chunks, key_size, value_size)
@group(0) @binding(4) var<storage, read> values: array<f32>;          // (…, chunks, CHUNK, value_size)
@group(0) @binding(5) var<storage, read> d_values: array<f32>;        // (…, chunks, CHUNK, value_size)
@group(0) @binding(6) var<storage, read_write> d_terms: array<f32>;   // (…, chunks, 3, key_size, CHUNK)
@group(0) @binding(7) var<storage, read_write> d_stays: array<f32>;   // (…, chunks, key_size)

@compute @workgroup_size(64)
fn gated_delta_backward_terms(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.size) {
    return;
  }
  let i = index % CHUNK;
  let m = index / CHUNK % params.key_size;
  let block = index / CHUNK / params.key_size;
  let group = block / params.chunks;
  let token = params.first + block % params.chunks * CHUNK + i;
  let is_token = token < params.tokens;
  let row = group / params.heads * params.tokens + min(token, params.tokens - 1u);
  let own = (row * params.heads + group % params.heads) * params.value_size;
  let state = (block * params.key_size + m) * params.value_size;
  let value = (block * CHUNK + i) * params.value_size;
  var known = 0.0;
  var query = 0.0;
  var key = 0.0;
  var stays = 0.0;
  for (var c = 0u; c < params.value_size; c++) {
    known -= d_values[value + c] * states[state + c];
    query += dy[own + c] * states[state + c];
    key += values[value + c] * d_states[state + c];
    stays += states[state + c] * d_states[state + c];
  }
  let to = (3u * block * params.key_size + m) * CHUNK + i;
  d_terms[to] = known;
  d_terms[to + params.key_size * CHUNK] = select(0.0, query, is_token);
  d_terms[to + 2u * params.key_size * CHUNK] = key;
  if (i == 0u) {
    d_stays[block * params.key_size + m] = stays;
  }
}
