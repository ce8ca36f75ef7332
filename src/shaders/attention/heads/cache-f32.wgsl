// Keys and values of a step's cache in f32.
@group(0) @binding(5) var<storage, read_write> cache: array<f32>;  // (slots, 2, h / group · head_size)

fn cache_at(i: u32) -> f32 {
  return cache[i];
}

// Has element i be `own`. Its neighbour to the right is `next`.
fn put_in_cache(i: u32, own: f32, next: f32) {
  cache[i] = own;
}
