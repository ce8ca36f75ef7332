// Where spans begin that are masked in training, drawn without replacement: a place is one of them where its
// random number is one of the smallest of its sequence. How many there are goes by the length of the
// sequence, rounded at random. One invocation a place.
struct Params {
  sequences: u32,
  size: u32,    // places of a sequence
  length: u32,  // of a span
  least: u32,   // spans that there are at least
  rate: f32,    // of places in spans, were these apart
  site: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>;           // (sequences, size): 0 = padding
@group(0) @binding(2) var<storage, read> random: array<u32>;         // (2): seed, step
@group(0) @binding(3) var<storage, read_write> starts: array<u32>;   // (sequences, size)

fn drawn(index: u32) -> u32 {
  return random_bits(vec3u(random[0], random[1], params.site), index);
}

@compute @workgroup_size(64)
fn span_starts(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.sequences * params.size) {
    return;
  }
  let first = i - i % params.size;
  var own = params.size;
  if (HAS_MASK) {
    own = 0u;
    for (var at = 0u; at < params.size; at += 1u) {
      own += min(mask[first + at], 1u);
    }
  }
  // Places where a span fits.
  var places = 0u;
  if (own >= params.length) {
    places = own - params.length + 1u;
  }
  // 24 bits, which a number of 32 bits with a point can hold.
  let rest = f32(drawn(0xffffffffu) >> 8u) / 16777216.0;
  var spans = max(u32(params.rate * f32(own) / f32(params.length) + rest), params.least);
  spans = min(min(spans, params.size / params.length), places);

  let place = i % params.size;
  let bits = drawn(i);
  var before = 0u;
  for (var at = 0u; at < places; at += 1u) {
    let other = drawn(first + at);
    if (other < bits || (other == bits && at < place)) {
      before += 1u;
    }
  }
  starts[i] = select(0u, 1u, place < places && before < spans);
}
