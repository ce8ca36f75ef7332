// Four neighbouring columns of a head, in rows and heads of any length. Columns past the end of the head are
// 0, and are not stored.

fn in_head(column: u32) -> vec4<bool> {
  return column + vec4u(0u, 1u, 2u, 3u) < vec4u(params.head_size);
}

fn q_columns(row: u32, column: u32) -> vec4f {
  let i = row + column;
  return select(vec4f(), vec4f(q[i], q[i + 1u], q[i + 2u], q[i + 3u]), in_head(column));
}

fn k_columns(row: u32, column: u32) -> vec4f {
  let i = row + column;
  return select(vec4f(), vec4f(k_at(i), k_at(i + 1u), k_at(i + 2u), k_at(i + 3u)), in_head(column));
}

fn v_columns(row: u32, column: u32) -> vec4f {
  let i = row + column;
  return select(vec4f(), vec4f(v_at(i), v_at(i + 1u), v_at(i + 2u), v_at(i + 3u)), in_head(column));
}

fn store_columns(row: u32, column: u32, values: vec4f) {
  for (var j = 0u; j < 4u; j += 1u) {
    if (column + j < params.head_size) {
      y[row + column + j] = values[j];
    }
  }
}
