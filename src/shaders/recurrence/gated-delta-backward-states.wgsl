// What a chunk went by on its way forward, once more: the state before it, S, and what its tokens learned,
// V' = U - W S, see delta-scan. One invocation a column of a head's state.
struct Params {
  batches: u32,
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<vec4f>;        // see delta-solve
@group(0) @binding(2) var<storage, read> gates: array<f32>;          // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(3) var<storage, read_write> carry: array<f32>;    // (batches, heads, key_size, value_size)
@group(0) @binding(4) var<storage, read_write> states: array<f32>;   // (…, chunks, key_size, value_size)
@group(0) @binding(5) var<storage, read_write> values: array<f32>;   // (…, chunks, CHUNK, value_size)

const FOURS = CHUNK / 4u;

@compute @workgroup_size(64)
fn gated_delta_backward_states(
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
  if (BEGINS) {
    for (var m = 0u; m < params.key_size; m++) {
      carry[own + m * params.value_size] = 0.0;
    }
  }
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let block = group * params.chunks + chunk;
    let rows = block * (params.value_size + 3u * params.key_size) * FOURS;
    let known = rows + params.value_size * FOURS;
    let keys = known + 2u * params.key_size * FOURS;
    var learned = array<vec4f, FOURS>();
    for (var four = 0u; four < FOURS; four++) {
      learned[four] = terms[rows + column * FOURS + four];
    }
    for (var m = 0u; m < params.key_size; m++) {
      let state = carry[own + m * params.value_size];
      states[(block * params.key_size + m) * params.value_size + column] = state;
      for (var four = 0u; four < FOURS; four++) {
        learned[four] -= state * terms[known + m * FOURS + four];
      }
    }
    for (var i = 0u; i < CHUNK; i++) {
      values[(block * CHUNK + i) * params.value_size + column] = learned[i / 4u][i % 4u];
    }
    let stays = exp(gates[2u * block * CHUNK + CHUNK - 1u]);
    for (var m = 0u; m < params.key_size; m++) {
      var state = stays * carry[own + m * params.value_size];
      for (var four = 0u; four < FOURS; four++) {
        state += dot(terms[keys + m * FOURS + four], learned[four]);
      }
      carry[own + m * params.value_size] = state;
    }
  }
}
