// Takes the projections of self-attention apart into heads. Queries and keys may be normalized by
// their root mean square, each head by its own or, where WIDE_NORM, by that of all heads of its kind, and
// are rotated by their position: RoFormer, Su et al., arXiv 2104.09864. Where VALUE_NORM, values are
// normalized without weights. The heads of a token stand side by side, of queries, keys and values; or those
// of keys and of values do so in the slots of a cache that a block table names (see attention-decode).
// A row is one head of one token; all heads are those of q, then of k, then of v; or where INTERLEAVED, of
// as many each, one of q, of k and of v by turns. Where KEYS_ARE_VALUES, the projections of k are those of v.

@group(0) @binding(1) var<storage, read> projections: array<f32>;  // (B, T, columns · head_size)
@group(0) @binding(2) var<storage, read> place: array<vec2u>;      // (B, T): position, place in `table`
@group(0) @binding(3) var<storage, read> turns: array<vec2u>;      // (pairs), see `rotation`
@group(0) @binding(4) var<storage, read> weight: array<f32>;       // see `Head`
@group(0) @binding(5) var<storage, read> table: array<u32>;        // (B, capacity), HIDDEN = padding
@group(0) @binding(6) var<storage, read_write> q: array<f32>;      // (B, T, heads or all heads · head_size)
@group(0) @binding(8) var<storage, read_write> spill: array<u32>;  // (1), see half-pair

const HIDDEN = 0xffffffffu;

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
  if (VALUE_NORM) {
    return value * head.scale;
  }
  return value;
}

// The elements of pair i of a head, rotated.
fn rotated(head: Head, i: u32, position: u32) -> vec2f {
  let turned = params.rotary_scale * rotation(turns[i], position);
  let a = entry(head, pair_start(i));
  let b = entry(head, pair_start(i) + params.pair_gap);
  return vec2f(a * turned.x - b * turned.y, b * turned.x + a * turned.y);
}

fn put(kind: u32, at: u32, own: f32, next: f32, sharp: f32) {
  if (HAS_CACHE && kind != QUERY) {
    put_in_heads(at, own, next);
  } else {
    q[at] = own * sharp;
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
  let kind = kind_of(number);
  let index = select(number - first_of(kind), number / 3u, INTERLEAVED);
  var slot = token;
  var to = token * all_heads + first_of(kind) + index;
  if (HAS_CACHE) {
    to = token * params.heads + index;
    if (kind != QUERY) {
      let at = min(place[token].y, params.capacity - 1u);
      slot = table[token / params.tokens * params.capacity + at];
      slot = select(slot, HIDDEN, place[token].y >= params.capacity);
      to = (2u * slot + kind - KEY) * params.key_heads + index;
    }
  }
  to *= size;

  let missing = select(0u, params.key_heads, KEYS_ARE_VALUES);
  let column = token * (all_heads - missing) + number - select(0u, missing, kind == VALUE);
  var head = Head(column * size, kind, kind * size, 1.0);
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
  let sharp = select(1.0, sharpness(token), kind == QUERY);
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
