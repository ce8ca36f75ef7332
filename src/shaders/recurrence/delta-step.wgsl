// The gated delta rule for one token (arXiv 2412.06464, eq. 10): S ← α S + β k (v - α Sᵀk)ᵀ, y = Sᵀq, queries
// and keys of unit length. One invocation a column of a head's state, which it reads once for both products.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  places: u32,
  start: u32,
  kept: u32,    // of a sequence in the cache
  heads: u32,
  key_heads: u32,
  key_size: u32,
  value_size: u32,
  pitch: u32,   // of a token of x
  column: u32,  // of x, where the gates of its heads begin
  eps: f32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;          // (batches, queries, keys, values)
@group(0) @binding(2) var<storage, read> x: array<f32>;            // (batches, pitch)
@group(0) @binding(3) var<storage, read> weight: array<f32>;       // (2, heads)
@group(0) @binding(4) var<storage, read> place: array<u32>;        // (batches, 1, 2)
@group(0) @binding(5) var<storage, read> table: array<u32>;        // see token-memory
// From `start` on (…, places, heads, key_size, value_size).
@group(0) @binding(6) var<storage, read_write> cache: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;      // (batches, heads, value_size)

@compute @workgroup_size(64)
fn delta_step(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.batches * params.heads * params.value_size) {
    return;
  }
  let column = index % params.value_size;
  let batch = index / params.value_size / params.heads;
  let head = index / params.value_size % params.heads;
  let at = place_of(batch, 0u);
  if (at >= params.capacity) {
    y[index] = 0.0;
    return;
  }
  let size = params.key_size * params.value_size;
  let width = params.heads * size;
  let to = own_at(batch, at, width) + head * size + column;
  var begin = to;
  if (at > 0u) {
    begin = earlier_at(batch, at - 1u, width) + head * size + column;
  }
  let key_width = params.key_heads * params.key_size;
  let token = batch * (2u * key_width + params.heads * params.value_size);
  let query = token + head / (params.heads / params.key_heads) * params.key_size;
  let key = query + key_width;

  var sums = vec3f();  // q·q, k·k, q·k
  var by_query = 0.0;
  var by_key = 0.0;
  for (var m = 0u; m < params.key_size; m++) {
    let q = qkv[query + m];
    let k = qkv[key + m];
    sums += vec3f(q * q, k * k, q * k);
    if (at > 0u) {
      let state = cache[begin + m * params.value_size];
      by_query += state * q;
      by_key += state * k;
    }
  }
  let scaled = inverseSqrt(sums.x + params.eps) * params.scale;
  let unit = inverseSqrt(sums.y + params.eps);
  let gate = batch * params.pitch + params.column + head;
  let stays = exp(log_decay(x[gate + params.heads], head));
  let value = qkv[token + 2u * key_width + head * params.value_size + column];
  let learned = rate_of(x[gate]) * (value - stays * unit * by_key);
  y[index] = scaled * (stays * by_query + unit * sums.z * learned);
  for (var m = 0u; m < params.key_size; m++) {
    var state = unit * qkv[key + m] * learned;
    if (at > 0u) {
      state += stays * cache[begin + m * params.value_size];
    }
    cache[to + m * params.value_size] = state;
  }
}
