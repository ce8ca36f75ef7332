// Heads of keys and values in f32.
@group(0) @binding(7) var<storage, read_write> kv: array<f32>;  // (B · T or slots, 2, heads, head_size)

// Whether elements are put two at a time.
const PAIRED = false;

fn put_in_heads(i: u32, own: f32, next: f32) {
  kv[i] = own;
}
