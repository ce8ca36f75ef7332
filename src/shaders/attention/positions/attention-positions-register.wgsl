// Products with positions, on CPU adapters: of 4 queries and 4 keys, a row a query and a column a key.

fn plus_positions(
  products: mat4x4f, q0: vec4u, k0: vec4u, head: u32, rows: vec4u, keys: vec4u,
) -> mat4x4f {
  var result = products;
  for (var j = 0u; j < 4u; j += 1u) {
    let at = vec4u(
      position_index(head, rows.x, keys[j]), position_index(head, rows.y, keys[j]),
      position_index(head, rows.z, keys[j]), position_index(head, rows.w, keys[j]));
    var sum = vec4f();
    for (var i = 0u; i < params.head_size; i += 1u) {
      if (P2C) {
        let p = at + i;
        sum += k_at(k0[j] + i) * vec4f(bias[p.x], bias[p.y], bias[p.z], bias[p.w]);
      }
      if (C2P) {
        let p = at + to_key() + i;
        sum += vec4f(q[q0.x + i], q[q0.y + i], q[q0.z + i], q[q0.w + i])
          * vec4f(bias[p.x], bias[p.y], bias[p.z], bias[p.w]);
      }
    }
    result[j] += sum;
  }
  return result;
}
