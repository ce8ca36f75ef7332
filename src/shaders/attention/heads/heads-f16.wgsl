// Heads of keys and values in f16, two to a word: they, and what rotates of them, are of even sizes. Needs
// `half-pair`.
@group(0) @binding(7) var<storage, read_write> kv: array<u32>;  // (B · T or slots, 2, heads, head_size / 2)

// Whether elements are put two at a time.
const PAIRED = true;

// Has element i be `own`. Its neighbour to the right is `next`: whoever puts the left of two puts both.
fn put_in_heads(i: u32, own: f32, next: f32) {
  if ((i & 1u) == 0u) {
    kv[i >> 1u] = half_pair(own, next);
  }
}
