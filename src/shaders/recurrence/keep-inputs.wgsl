// Keeps what later tokens see of the last tokens of each sequence: of those that have none `places` further
// on. One invocation an element.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  places: u32,
  start: u32,
  kept: u32,   // of a sequence in the cache
  channels: u32,
  pitch: u32,  // of a token of x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (batches, tokens, pitch)
@group(0) @binding(2) var<storage, read> place: array<u32>;        // (batches, tokens, 2)
@group(0) @binding(3) var<storage, read> table: array<u32>;        // see token-memory
// From `start` on (…, places, channels).
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(64)
fn keep_inputs(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.tokens * params.channels) {
    return;
  }
  let row = i / params.channels;
  let batch = row / params.tokens;
  let token = row % params.tokens;
  let at = place_of(batch, token);
  let later = token + params.places;
  let stays = later >= params.tokens || place_of(batch, later) >= params.capacity;
  if (at < params.capacity && stays) {
    let channel = i % params.channels;
    cache[own_at(batch, at, params.channels) + channel] = input_of(row, channel);
  }
}
