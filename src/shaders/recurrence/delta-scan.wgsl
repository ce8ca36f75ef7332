// The gated delta rule from chunk to chunk ("Gated Delta Networks", Yang et al., arXiv 2412.06464, §3.3): a
// chunk reads the state before it, y = exp(G) Q S + tril(Q Kᵀ) V', V' = U - W S, and leaves
// exp(G_end) S + Kᵀ V' behind it. One invocation a column of a head's state. Where BEGINS, that is taken from
// what was kept, or is 0.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  places: u32,
  start: u32,
  kept: u32,   // of a sequence in the cache
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,  // token of the first chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<vec4f>;      // see delta-solve
@group(0) @binding(2) var<storage, read> scores: array<vec4f>;     // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(3) var<storage, read> gates: array<f32>;        // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(4) var<storage, read> place: array<u32>;        // (batches, tokens, 2)
@group(0) @binding(5) var<storage, read> table: array<u32>;        // see token-memory
// From `start` on (…, places, heads, key_size, value_size).
@group(0) @binding(6) var<storage, read_write> cache: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;      // (batches, tokens, heads, value_size)

const FOURS = CHUNK / 4u;

fn y_index(batch: u32, token: u32, group: u32) -> u32 {
  return ((batch * params.tokens + token) * params.heads + group % params.heads) * params.value_size;
}

@compute @workgroup_size(64)
fn delta_scan(
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
  let batch = group / params.heads;
  let size = params.key_size * params.value_size;
  let width = params.heads * size;
  let inside = group % params.heads * size + column;

  // Where the state of the last token lies, and that of the one before the first.
  var to = params.start + batch * params.kept + inside;
  var begin = to;
  var is_new = true;
  var is_over = false;
  if (CACHED) {
    var own = 0u;
    for (var token = 0u; token < params.tokens; token++) {
      own += select(0u, 1u, place_of(batch, token) < params.capacity);
    }
    let last = place_of(batch, max(own, 1u) - 1u);
    to = own_at(batch, last, width) + inside;
    let before = place_of(batch, 0u);
    is_new = before == 0u;
    is_over = own == 0u;
    if (!is_new && !is_over) {
      begin = earlier_at(batch, before - 1u, width) + inside;
    }
  }
  if (BEGINS && !is_over) {
    for (var m = 0u; m < params.key_size; m++) {
      var value = 0.0;
      if (!is_new) {
        value = cache[begin + m * params.value_size];
      }
      cache[to + m * params.value_size] = value;
    }
  }

  let keys = params.key_size * FOURS;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let block = group * params.chunks + chunk;
    let rows = block * (params.value_size + 3u * params.key_size) * FOURS;
    let learned = rows + params.value_size * FOURS;
    var values = array<vec4f, FOURS>();
    for (var four = 0u; four < FOURS; four++) {
      var value = terms[rows + column * FOURS + four];
      var read = vec4f();
      for (var m = 0u; m < params.key_size; m++) {
        let state = cache[to + m * params.value_size];
        value -= state * terms[learned + m * FOURS + four];
        read += state * terms[learned + keys + m * FOURS + four];
      }
      values[four] = value;
      for (var i = 0u; i < 4u; i++) {
        let token = params.first + chunk * CHUNK + 4u * four + i;
        if (token < params.tokens) {
          var sum = read[i];
          let seen = ((2u * block + 1u) * CHUNK + 4u * four + i) * FOURS;
          for (var other = 0u; other <= four; other++) {
            sum += dot(scores[seen + other], values[other]);
          }
          y[y_index(batch, token, group) + column] = select(sum, 0.0, is_over);
        }
      }
    }
    let stays = exp(gates[2u * block * CHUNK + CHUNK - 1u]);
    for (var m = 0u; m < params.key_size; m++) {
      var state = stays * cache[to + m * params.value_size];
      for (var four = 0u; four < FOURS; four++) {
        state += dot(terms[learned + 2u * keys + m * FOURS + four], values[four]);
      }
      if (!is_over) {
        cache[to + m * params.value_size] = state;
      }
    }
  }
}
