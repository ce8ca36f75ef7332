// Products with positions, of one query and one key, whose heads begin at q0 and k0.

@group(0) @binding(7) var<storage, read> state: array<u32>;  // (2 · reach + 1): the row of each distance

fn plus_position(product: f32, q0: u32, k0: u32, head: u32, query: u32, key: u32) -> f32 {
  let at = position_index(head, query, key);
  var sum = product;
  for (var i = 0u; i < params.head_size; i += 1u) {
    if (P2C) {
      sum += k[k0 + i] * bias[at + i];
    }
    if (C2P) {
      sum += q[q0 + i] * bias[at + to_key() + i];
    }
  }
  return sum;
}
