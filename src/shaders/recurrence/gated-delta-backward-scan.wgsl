// The scan of delta-scan backwards, from the last chunk to the first: with P the scores of queries and
// dS' the gradient of the state behind a chunk, dV' = Pᵀ dy + exp(G_end - G) K dS', and of the state
// before it dS = exp(G_end) dS' + (exp(G) Q)ᵀ dy - Wᵀ dV'. One invocation a column of a head's state.
struct Params {
  batches: u32,
  tokens: u32,
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,  // token of the first chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<vec4f>;         // see delta-solve
@group(0) @binding(2) var<storage, read> scores: array<vec4f>;        // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(3) var<storage, read> gates: array<f32>;           // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(4) var<storage, read> dy: array<f32>;              // (batches, tokens, heads, value_size)
@group(0) @binding(5) var<storage, read_write> carry: array<f32>;     // (…, heads, key_size, value_size)
@group(0) @binding(6) var<storage, read_write> d_states: array<f32>;  // (…, chunks, key_size, value_size)
@group(0) @binding(7) var<storage, read_write> d_values: array<f32>;  // (…, chunks, CHUNK, value_size)

const FOURS = CHUNK / 4u;

@compute @workgroup_size(64)
fn gated_delta_backward_scan(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.batches * params.heads * params.value_size) {
    return;
  }
  let column = index % params.value_size;
  let group = index / params.value_size;
  let own = group * params.key_size * params.value_size + column;
  if (ENDS) {
    for (var m = 0u; m < params.key_size; m++) {
      carry[own + m * params.value_size] = 0.0;
    }
  }
  for (var back = 1u; back <= params.chunks; back++) {
    let block = (group + 1u) * params.chunks - back;
    let begin = params.first + (params.chunks - back) * CHUNK;
    let rows = block * (params.value_size + 3u * params.key_size) * FOURS;
    let known = rows + params.value_size * FOURS;
    let queries = known + params.key_size * FOURS;
    let keys = queries + params.key_size * FOURS;
    var read = array<vec4f, FOURS>();
    var learned = array<vec4f, FOURS>();
    for (var i = 0u; i < min(CHUNK, params.tokens - begin); i++) {
      let token = group / params.heads * params.tokens + begin + i;
      let slope = dy[(token * params.heads + group % params.heads) * params.value_size + column];
      read[i / 4u][i % 4u] = slope;
      let seen = ((2u * block + 1u) * CHUNK + i) * FOURS;
      for (var four = 0u; four <= i / 4u; four++) {
        learned[four] += slope * scores[seen + four];
      }
    }
    for (var m = 0u; m < params.key_size; m++) {
      let slope = carry[own + m * params.value_size];
      d_states[(block * params.key_size + m) * params.value_size + column] = slope;
      for (var four = 0u; four < FOURS; four++) {
        learned[four] += slope * terms[keys + m * FOURS + four];
      }
    }
    for (var i = 0u; i < CHUNK; i++) {
      d_values[(block * CHUNK + i) * params.value_size + column] = learned[i / 4u][i % 4u];
    }
    let stays = exp(gates[2u * block * CHUNK + CHUNK - 1u]);
    for (var m = 0u; m < params.key_size; m++) {
      var slope = stays * carry[own + m * params.value_size];
      for (var four = 0u; four < FOURS; four++) {
        slope += dot(terms[queries + m * FOURS + four], read[four]);
        slope -= dot(terms[known + m * FOURS + four], learned[four]);
      }
      carry[own + m * params.value_size] = slope;
    }
  }
}
