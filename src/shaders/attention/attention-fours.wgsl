// Four neighbouring columns of a head, where rows and heads begin at multiples of 4. Columns past the end
// of the head are 0, and are not stored. WHOLE: there are none.

fn in_head(column: u32) -> bool {
  return WHOLE || column < params.head_size;
}

fn q_columns(row: u32, column: u32) -> vec4f {
  return select(vec4f(), q[(row + column) / 4u], in_head(column));
}

fn k_columns(row: u32, column: u32) -> vec4f {
  return select(vec4f(), k4_at(row + column), in_head(column));
}

fn v_columns(row: u32, column: u32) -> vec4f {
  return select(vec4f(), v4_at(row + column), in_head(column));
}

fn store_columns(row: u32, column: u32, values: vec4f) {
  if (in_head(column)) {
    y[(row + column) / 4u] = values;
  }
}
