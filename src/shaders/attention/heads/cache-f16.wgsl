// Keys and values of a step's cache in f16, two to a word: heads are of an even size. Needs `half-pair`.
@group(0) @binding(5) var<storage, read_write> cache: array<u32>;  // (slots, 2, h / group · head_size / 2)

fn cache_at(i: u32) -> f32 {
  let pair = unpack2x16float(cache[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}

// Has element i be `own`. Its neighbour to the right is `next`: whoever puts the left of two puts both.
fn put_in_cache(i: u32, own: f32, next: f32) {
  if ((i & 1u) == 0u) {
    cache[i >> 1u] = half_pair(own, next);
  }
}
