// Takes the projections of self-attention apart into heads. Queries and keys may be normalized by
// their root mean square, each head by its own or, where WIDE_NORM, by that of all heads of its kind, and
// are rotated by their position: RoFormer, Su et al., arXiv 2104.09864. Keys and values stand side by side,
// the keys first: in a tensor of their own, or in the slots of a cache that a block table names (see
// attention-decode).
// A row is one head of one token; all heads are those of q, then of k, then of v; or where INTERLEAVED, of
// as many each, one of q, of k and of v by turns.
struct Params {
  rows: u32,
  tokens: u32,
  heads: u32,
  key_heads: u32,
  head_size: u32,
  pairs: u32,
  pair_gap: u32,
  capacity: u32,
  rotary_scale: f32,
  eps: f32,
  offset: f32,
  beta: f32,
  period: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> projections: array<f32>;  // (B, T, all heads · head_size)
@group(0) @binding(2) var<storage, read> place: array<vec2u>;      // (B, T): position, place in `table`
@group(0) @binding(3) var<storage, read> turns: array<vec2u>;      // (pairs), see `rotation`
@group(0) @binding(4) var<storage, read> weight: array<f32>;       // see `Head`
@group(0) @binding(5) var<storage, read> table: array<u32>;        // (B, capacity), HIDDEN = padding
@group(0) @binding(6) var<storage, read_write> q: array<f32>;      // (B, T, heads · head_size)
@group(0) @binding(8) var<storage, read_write> spill: array<u32>;  // (1), see half-pair

const HIDDEN = 0xffffffffu;

// What a row is of.
const QUERY = 0u;
const KEY = 1u;
const VALUE = 2u;

// Cosine and sine of position · frequency. The frequency is given in turns a position, as a fraction
// of 64 bits (high word first), so that whole turns drop out of the product as overflow: the angle
// is as exact at position 131071 as at 1. Quarter turns are taken off next, for on the rest, at most
// π/4 to either side, a few terms of the series do; WGSL lets `cos` and `sin` err by 2⁻¹¹.
fn rotation(turn: vec2u, position: u32) -> vec2f {
  let low = f32(position) * (f32(turn.y) * 0x1p-32);
  let angle = position * turn.x + u32(low) + 0x20000000u;
  let a = f32(i32(angle & 0x3fffffffu) - 0x20000000) * 1.4629180792671596e-9;  // 2π / 2³²
  let z = a * a;
  let c = 1.0 - z * (1.0 / 2.0 - z * (1.0 / 24.0 - z * (1.0 / 720.0 - z * (1.0 / 40320.0))));
  let s = a * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0 - z * (1.0 / 362880.0)))));
  let turned = select(vec2f(c, s), vec2f(-s, c), (angle & 0x40000000u) != 0u);
  return select(turned, -turned, (angle & 0x80000000u) != 0u);
}

// A head of a token: where it begins, and where its weights do among (2, head_size), of queries and of
// keys, or if WIDE_NORM (heads + key_heads, head_size); 1 / its root mean square.
struct Head {
  first: u32,
  kind: u32,
  gain: u32,
  scale: f32,
}

fn entry(head: Head, i: u32) -> f32 {
  let value = projections[head.first + i];
  if (HAS_NORM && head.kind != VALUE) {
    return value * head.scale * (params.offset + weight[head.gain + i]);
  }
  return value;
}

// Where pair i of a head begins: in the first half of what rotates, or at every other element.
fn pair_start(i: u32) -> u32 {
  return select(i, 2u * i, params.pair_gap == 1u);
}

// The elements of pair i of a head, rotated.
fn rotated(head: Head, i: u32, position: u32) -> vec2f {
  let turned = params.rotary_scale * rotation(turns[i], position);
  let a = entry(head, pair_start(i));
  let b = entry(head, pair_start(i) + params.pair_gap);
  return vec2f(a * turned.x - b * turned.y, b * turned.x + a * turned.y);
}

// Queries of later periods count more, so that attention to many keys stays sharp: Llama 4.
fn sharpness(token: u32) -> f32 {
  if (SHARPENED) {
    return 1.0 + params.beta * log(1.0 + f32(place[token].x / params.period));
  }
  return 1.0;
}

fn put(kind: u32, at: u32, own: f32, next: f32, sharp: f32) {
  if (kind == QUERY) {
    q[at] = own * sharp;
  } else {
    put_in_heads(at, own, next);
  }
}

@compute @workgroup_size(GROUP)
fn split_heads(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let all_heads = params.heads + 2u * params.key_heads;
  let size = params.head_size;
  let token = row / all_heads;
  let number = row % all_heads;
  var kind = number % 3u;
  var index = number / 3u;
  if (!INTERLEAVED) {
    index = number;
    kind = QUERY;
    if (index >= params.heads) {
      index -= params.heads;
      kind = KEY + index / params.key_heads;
      index %= params.key_heads;
    }
  }
  var to = (token * params.heads + index) * size;
  var slot = token;
  if (kind != QUERY) {
    if (HAS_CACHE) {
      let at = min(place[token].y, params.capacity - 1u);
      slot = table[token / params.tokens * params.capacity + at];
      slot = select(slot, HIDDEN, place[token].y >= params.capacity);
    }
    to = ((2u * slot + kind - KEY) * params.key_heads + index) * size;
  }

  var head = Head(row * size, kind, kind * size, 1.0);
  if (HAS_NORM) {
    var begin = head.first;
    var count = size;
    if (WIDE_NORM) {
      head.gain = number * size;
      begin -= index * size;
      count *= select(params.heads, params.key_heads, kind != QUERY);
    }
    var squares = 0.0;
    for (var i = begin + lane; i < begin + count; i += LANES) {
      squares += projections[i] * projections[i];
    }
    head.scale = inverseSqrt(sum_over_row(squares, lane) / f32(count) + params.eps);
  }
  if (slot == HIDDEN) {
    return;
  }

  // Element i of the first half of what rotates is paired with element i of the second, or neighbours are.
  let sharp = sharpness(token);
  var pairs = 0u;
  if (HAS_ROTARY && kind != VALUE) {
    pairs = params.pairs;
    for (var i = lane; i < pairs; i += LANES) {
      let own = rotated(head, i, place[token].x);
      var next = own.yx;
      if (PAIRED && params.pair_gap > 1u) {
        next = rotated(head, min(i + 1u, pairs - 1u), place[token].x);
      }
      let at = to + pair_start(i);
      put(kind, at, own.x, next.x, sharp);
      put(kind, at + params.pair_gap, own.y, next.y, sharp);
    }
  }
  for (var i = 2u * pairs + lane; i < size; i += LANES) {
    let own = entry(head, i);
    var next = own;
    if (PAIRED) {
      next = entry(head, min(i + 1u, size - 1u));
    }
    put(kind, to + i, own, next, sharp);
  }
}
